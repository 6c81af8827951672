package message_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osteele/liquid"
	"pgregory.net/rapid"
)

// TestAgainstLiquid renders random templates of the part of Liquid that we have with an
// implementation that we did not write. What is known to differ is not drawn: values are
// texts here, so that numbers are compared as numbers, and an empty value is no value.
func TestAgainstLiquid(t *testing.T) {
	t.Parallel()
	engine := liquid.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		g := generator{t: t}
		vars := map[string]string{}
		theirs := map[string]any{}
		for _, name := range []string{"a", "b", "c", "n"} {
			v := rapid.SampledFrom([]string{"", "x", "Some Text", "ÄÖ ü", "  spaced ", "a,b", "10", "9", "zebra"}).Draw(t, name)
			if name == "n" {
				v = rapid.SampledFrom([]string{"", "1", "10", "9", "-3", "2.5"}).Draw(t, name)
			}
			vars[name] = v
			switch {
			case v == "":
				theirs[name] = nil
			case name == "n":
				var f float64
				if _, err := fmt.Sscan(v, &f); err != nil {
					t.Fatal(err)
				}
				theirs[name] = f
			default:
				theirs[name] = v
			}
		}
		src := g.block(0)
		want, err := engine.ParseAndRenderString(src, theirs)
		if err != nil {
			t.Fatalf("the oracle: %q: %v", src, err)
		}
		out, rerr := compile(g, wrap("text/plain", "|"+src+"|")).Render(vars, system)
		if rerr != nil {
			t.Fatalf("%q: %v", src, rerr)
		}
		got := strings.ReplaceAll(decodedBody(g, parse(g, out)), "\r\n", "\n")
		if got != "|"+want+"|" {
			t.Fatalf("%q with %q\nwant %q\n got %q", src, vars, want, strings.Trim(got, "|"))
		}
	})
}

// generator draws templates. It is a testing.TB as far as the helpers ask.
type generator struct {
	testing.TB
	t *rapid.T
}

func (g generator) Helper()                   {}
func (g generator) Fatal(args ...any)         { g.t.Fatal(args...) }
func (g generator) Fatalf(f string, a ...any) { g.t.Fatalf(f, a...) }

func (g generator) pick(of ...string) string { return rapid.SampledFrom(of).Draw(g.t, "") }

func (g generator) block(depth int) string {
	var b strings.Builder
	for range rapid.IntRange(0, 4).Draw(g.t, "") {
		switch k := rapid.IntRange(0, 9).Draw(g.t, ""); {
		case k < 3:
			b.WriteString(g.pick("text", " ", "\n", " {x} ", "é", " end\n", "{ { "))
		case k < 7 || depth > 2:
			b.WriteString(g.tag("{{", g.expr(), "}}"))
		case k == 7:
			b.WriteString(g.pick("{% comment %}gone {{ a }}{% endcomment %}", "{% raw %}{{ a }}{% endraw %}"))
		default:
			word := g.pick("if", "if", "unless")
			b.WriteString(g.tag("{%", word+" "+g.test(), "%}") + g.block(depth+1))
			if word == "if" && rapid.Bool().Draw(g.t, "") {
				b.WriteString(g.tag("{%", "elsif "+g.test(), "%}") + g.block(depth+1))
			}
			if rapid.Bool().Draw(g.t, "") {
				b.WriteString(g.tag("{%", "else", "%}") + g.block(depth+1))
			}
			b.WriteString(g.tag("{%", "end"+word, "%}"))
		}
	}
	return b.String()
}

// tag writes a tag, with or without control of the white space around it; that between two
// tags the oracle takes out, too, which Liquid does not.
func (g generator) tag(open, inner, closing string) string {
	if rapid.IntRange(0, 3).Draw(g.t, "") == 0 {
		return "w \n" + open + "- " + inner + " -" + closing + " \tw"
	}
	return open + " " + inner + " " + closing
}

func (g generator) value() string { return g.pick("a", "b", "c", `"lit"`, `'it is'`, `"7"`) }

func (g generator) expr() string {
	// n is a number to the oracle, and would be formatted: it is only compared.
	e := g.value()
	for range rapid.IntRange(0, 3).Draw(g.t, "") {
		e += " | " + g.pick("upcase", "downcase", "strip", "lstrip", "rstrip", "url_encode",
			`default: "there"`, "default: b", `append: "!"`, `prepend: "<"`, `replace: "e", "E"`, `replace_first: "t", "TT"`,
			`remove: "x"`, `remove_first: "t"`, "truncate: 5", `truncate: 4, "."`)
	}
	return e + g.pick("", "", "", " | size") // of a number the oracle knows no size
}

func (g generator) test() string {
	one := func() string {
		switch rapid.IntRange(0, 5).Draw(g.t, "") {
		case 0, 1:
			return g.pick("a", "b", "n", "true", "false", "nil")
		case 2:
			return "n " + g.pick("==", "!=", "<", "<=", ">", ">=") + " " + g.pick("1", "9", "10", "2.5", "-3")
		case 3:
			return g.pick("a", "b") + " contains " + g.pick(`"e"`, `"x"`, `"Text"`)
		case 4:
			return g.pick("a", "b", "n") + g.pick(" == nil", " != nil")
		}
		return g.pick("a", "b") + g.pick(" == ", " != ") + g.pick(`"x"`, `"Some Text"`, `"zebra"`)
	}
	s := one()
	if rapid.Bool().Draw(g.t, "") {
		s += g.pick(" and ", " or ") + one()
	}
	return s
}
