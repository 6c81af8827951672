package obs

import (
	"context"
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// LogConfig says what is logged and how.
type LogConfig struct {
	Level  slog.Level
	Format string // "text" (default) or "json"
	// Secrets are never written, also not as a part of something else. Those shorter than
	// minSecret octets are not looked for: they would be found everywhere.
	Secrets []string
}

// redacted stands for what is not written.
const redacted = "[redacted]"

// minSecret is the least length of a secret that is looked for, in octets.
const minSecret = 6

// NewLogger returns a logger that writes to w, one record per line.
func NewLogger(w io.Writer, cfg LogConfig) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.Level}
	var h slog.Handler = slog.NewTextHandler(w, opts)
	if cfg.Format == "json" {
		h = slog.NewJSONHandler(w, opts)
	}
	var pairs []string
	// The longest first: a secret may be the beginning of another one.
	secrets := slices.Clone(cfg.Secrets)
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, s := range secrets {
		if len(s) >= minSecret {
			pairs = append(pairs, s, redacted)
		}
	}
	return slog.New(&redacting{next: h, scrub: strings.NewReplacer(pairs...)})
}

// redacting is a slog.Handler that lets only listed attributes through, without secrets.
type redacting struct {
	next  slog.Handler
	scrub *strings.Replacer
}

// Enabled implements slog.Handler.
func (h *redacting) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h *redacting) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.scrub.Replace(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.clean(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h *redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.clean(a)
	}
	return &redacting{next: h.next.WithAttrs(clean), scrub: h.scrub}
}

// WithGroup implements slog.Handler. Groups are not used: names are one flat list.
func (h *redacting) WithGroup(string) slog.Handler { return h }

func (h *redacting) clean(a slog.Attr) slog.Attr {
	if !listed(a.Key) {
		return slog.String(a.Key, redacted)
	}
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, h.scrub.Replace(v.String()))
	case slog.KindAny:
		return slog.String(a.Key, h.scrub.Replace(text(v.Any())))
	case slog.KindGroup:
		// A group would bring names of its own.
		return slog.String(a.Key, redacted)
	default: // numbers, times, durations, booleans
		return slog.Attr{Key: a.Key, Value: v}
	}
}

// text gives what a value has to say about itself. A struct that says nothing is not spelt
// out: its fields have no names in the list.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "<nil>"
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		if err != nil {
			return redacted
		}
		return string(b)
	case []string:
		return strings.Join(v, " ")
	case []byte:
		return redacted
	}
	if s := fmt.Sprintf("%v", v); !strings.ContainsAny(s, "{&[") {
		return s
	}
	return redacted
}
