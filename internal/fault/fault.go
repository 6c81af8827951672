package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind says what went wrong in terms that every edge can translate.
type Kind uint8

// The kinds. The zero value is Internal, so that an error nobody classified is never shown.
const (
	Internal        Kind = iota // a defect or an unforeseen condition of ours
	Invalid                     // the input is wrong; repeating it cannot help
	NotFound                    // what was named does not exist
	Conflict                    // the state has changed or forbids it; read again, then decide
	Unauthenticated             // who is asking is not known
	Denied                      // who is asking is known and may not
	TooLarge                    // a stated limit was passed
	Unavailable                 // something we depend on does not answer; repeating may help
	Unsupported                 // known, and not done here
)

var kindNames = [...]string{
	Internal: "internal", Invalid: "invalid", NotFound: "not found", Conflict: "conflict",
	Unauthenticated: "unauthenticated", Denied: "denied", TooLarge: "too large",
	Unavailable: "unavailable", Unsupported: "unsupported",
}

// String returns the kind in lower-case words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is a classified error.
type Error struct {
	Kind   Kind
	Public string // may be shown to whoever caused it; never holds credentials or internals
	Cause  error  // for logs only; may be nil
}

// Error gives the public text and the cause: it is meant for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Public
	}
	return e.Public + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns a fault of the kind with a public text.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Public: fmt.Sprintf(format, args...)}
}

// Wrap classifies cause; it returns nil when cause is nil.
func Wrap(kind Kind, cause error, format string, args ...any) error {
	if cause == nil {
		return nil
	}
	return &Error{Kind: kind, Public: fmt.Sprintf(format, args...), Cause: cause}
}

// KindOf returns the kind of the outermost fault in err's chain. Cancelled and timed-out
// contexts are Unavailable; anything else without a kind is Internal.
func KindOf(err error) Kind {
	var f *Error
	if errors.As(err, &f) {
		return f.Kind
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	return Internal
}

// Is reports whether err is of the kind. A nil error is of no kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Public returns the text that may be shown, or a generic one for what was not classified.
func Public(err error) string {
	var f *Error
	if errors.As(err, &f) && f.Kind != Internal {
		return f.Public
	}
	if KindOf(err) == Unavailable {
		return "the service does not answer in time"
	}
	return "internal error"
}
