package wire_test

import (
	"strconv"
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap/wire"
)

// grammar holds the rules of RFC 9051 §9 (and of RFC 5234 §B.1, which it uses) that stand for
// one octet, in the words of the RFC.
const grammar = `
CHAR            = %x01-7F
CR              = %x0D
CTL             = %x00-1F / %x7F
DQUOTE          = %x22
LF              = %x0A
SP              = %x20
OCTET           = %x00-FF
ASTRING-CHAR    = ATOM-CHAR / resp-specials
ATOM-CHAR       = <any CHAR except atom-specials>
TEXT-CHAR       = <any CHAR except CR / LF>
atom-specials   = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
list-char       = ATOM-CHAR / list-wildcards / resp-specials
list-wildcards  = "%" / "*"
quoted-specials = DQUOTE / "\"
resp-specials   = "]"
tag-char        = <any ASTRING-CHAR except "+">

eight-bit       = %x80-FF
lexical         = SP / "(" / ")" / "[" / "]" / DQUOTE / "{" / CR / LF
run             = <any OCTET except lexical>
`

// abnf evaluates such rules, knowing nothing of the package under test.
type abnf map[string]string

func parseABNF(t *testing.T, text string) abnf {
	t.Helper()
	g := abnf{}
	for _, line := range strings.Split(text, "\n") {
		if name, def, ok := strings.Cut(line, " = "); ok {
			g[strings.TrimSpace(name)] = strings.TrimSpace(def)
		} else if strings.TrimSpace(line) != "" {
			t.Fatalf("not a rule: %q", line)
		}
	}
	return g
}

func (g abnf) matches(t *testing.T, def string, c byte) bool {
	t.Helper()
	if any, ok := strings.CutPrefix(def, "<any "); ok {
		in, out, _ := strings.Cut(strings.TrimSuffix(any, ">"), " except ")
		return g.matches(t, in, c) && !g.matches(t, out, c)
	}
	for _, alt := range strings.Split(def, " / ") {
		switch alt = strings.TrimSpace(alt); {
		case alt[0] == '"':
			if len(alt) == 3 && alt[1] == c {
				return true
			}
		case strings.HasPrefix(alt, "%x"):
			lo, hi, ranged := strings.Cut(alt[2:], "-")
			if !ranged {
				hi = lo
			}
			l, err1 := strconv.ParseUint(lo, 16, 8)
			h, err2 := strconv.ParseUint(hi, 16, 8)
			if err1 != nil || err2 != nil {
				t.Fatalf("not a value: %q", alt)
			}
			if uint64(c) >= l && uint64(c) <= h {
				return true
			}
		default:
			rule, ok := g[alt]
			if !ok {
				t.Fatalf("no rule %q", alt)
			}
			if g.matches(t, rule, c) {
				return true
			}
		}
	}
	return false
}

// TestClassesFromABNF derives every table again from the grammar. What deviates is named: the
// octets above 0x7F that are let through (class.go).
func TestClassesFromABNF(t *testing.T) {
	t.Parallel()
	g := parseABNF(t, grammar)
	for _, tt := range []struct {
		name string
		is   func(byte) bool
		def  string
	}{
		{"IsAtom", wire.IsAtom, "ATOM-CHAR / eight-bit"},
		{"IsAString", wire.IsAString, "ASTRING-CHAR / eight-bit"},
		{"IsTag", wire.IsTag, "tag-char"},
		{"IsList", wire.IsList, "list-char / eight-bit"},
		{"IsText", wire.IsText, "TEXT-CHAR / eight-bit"},
		{"Run", func(c byte) bool { return wire.ClassOf(c) == wire.Run }, "run"},
		{"Blank", func(c byte) bool { return wire.ClassOf(c) == wire.Blank }, "SP"},
		{"Paren", func(c byte) bool { return wire.ClassOf(c) == wire.Paren }, `"(" / ")"`},
		{"Bracket", func(c byte) bool { return wire.ClassOf(c) == wire.Bracket }, `"[" / "]"`},
		{"Quote", func(c byte) bool { return wire.ClassOf(c) == wire.Quote }, "DQUOTE"},
		{"Brace", func(c byte) bool { return wire.ClassOf(c) == wire.Brace }, `"{"`},
		{"Return", func(c byte) bool { return wire.ClassOf(c) == wire.Return }, "CR"},
		{"Feed", func(c byte) bool { return wire.ClassOf(c) == wire.Feed }, "LF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for i := range 256 {
				c := byte(i)
				if got, want := tt.is(c), g.matches(t, tt.def, c); got != want {
					t.Errorf("0x%02X: %v, and %s says %v", c, got, tt.def, want)
				}
			}
		})
	}
}
