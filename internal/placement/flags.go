package placement

import (
	"cmp"
	"slices"
	"strings"

	"inlay.example/inlay/internal/fault"
)

// Limits of flags.
const (
	MaxFlags    = 64  // flags of one placement
	MaxFlagSize = 128 // octets of one flag
)

// systemFlags are the flags of RFC 9051 §2.3.2 in their usual spelling.
var systemFlags = [...]string{`\Answered`, `\Deleted`, `\Draft`, `\Flagged`, `\Seen`}

// HasFlag reports whether the flag is set; flags are compared without regard to case.
func (p *Placement) HasFlag(flag string) bool { return hasFlag(p.Flags, flag) }

func hasFlag(flags []string, flag string) bool {
	return slices.ContainsFunc(flags, func(f string) bool { return strings.EqualFold(f, flag) })
}

// NormaliseFlags gives flags in the form in which they are kept: system flags in their usual
// spelling, each flag once (the first spelling of a keyword wins), sorted without regard to
// case. Invalid: \Recent, which is the server's, and what is no flag by RFC 9051 §9;
// TooLarge: more than MaxFlags, or one beyond MaxFlagSize. The result is nil when empty.
func NormaliseFlags(flags []string) ([]string, error) {
	var out []string
	for _, f := range flags {
		f, err := normaliseFlag(f)
		if err != nil {
			return nil, err
		}
		if !hasFlag(out, f) {
			out = append(out, f)
		}
		if len(out) > MaxFlags {
			return nil, fault.New(fault.TooLarge, "more than %d flags", MaxFlags)
		}
	}
	slices.SortFunc(out, compareFlags)
	return out, nil
}

func compareFlags(a, b string) int {
	return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
}

func normaliseFlag(f string) (string, error) {
	if len(f) > MaxFlagSize {
		return "", fault.New(fault.TooLarge, "a flag is longer than %d octets", MaxFlagSize)
	}
	if strings.EqualFold(f, `\Recent`) {
		return "", fault.New(fault.Invalid, `\Recent cannot be set`)
	}
	// flag = "\" atom / atom
	if !isAtom(strings.TrimPrefix(f, `\`)) {
		return "", fault.New(fault.Invalid, "%q is not a flag", f)
	}
	for _, s := range systemFlags {
		if strings.EqualFold(f, s) {
			return s, nil
		}
	}
	return f, nil
}

// atom = 1*ATOM-CHAR; ATOM-CHAR = any CHAR except "(" ")" "{" SP CTL "%" "*" DQUOTE "\" "]"
func isAtom(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`({)%*"\]`, s[i]) >= 0 {
			return false
		}
	}
	return true
}

func withFlags(old, add []string) []string {
	out := slices.Clone(old)
	for _, f := range add {
		if !hasFlag(out, f) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, compareFlags)
	return out
}

func withoutFlags(old, remove []string) []string {
	var out []string
	for _, f := range old {
		if !hasFlag(remove, f) {
			out = append(out, f)
		}
	}
	return out
}
