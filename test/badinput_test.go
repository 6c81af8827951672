package test_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/peertest"
)

// commands are what is made wrong: names and arguments of commands that are well formed.
var commands = [][]string{
	{"CAPABILITY"},
	{"NOOP"},
	{"CHECK"},
	{"NAMESPACE"},
	{"EXPUNGE"},
	{"LOGIN", "ann", "pass"},
	{"AUTHENTICATE", "PLAIN", "AGFubgBwYXNz"},
	{"STARTTLS"},
	{"COMPRESS", "GZIP"},
	{"ENABLE", "CONDSTORE"},
	{"ID", `("name" "test")`},
	{"SELECT", "INBOX"},
	{"EXAMINE", "INBOX"},
	{"CREATE", "made"},
	{"DELETE", "nosuch"},
	{"RENAME", "nosuch", "other"},
	{"SUBSCRIBE", "INBOX"},
	{"UNSUBSCRIBE", "INBOX"},
	{"LIST", `""`, "*"},
	{"LIST", "(SUBSCRIBED)", `""`, "(* %)", "RETURN", "(CHILDREN)"},
	{"LIST", `""`, "*", "RETURN", "(STATUS (MESSAGES))"},
	{"LSUB", `""`, "*"},
	{"STATUS", "INBOX", "(MESSAGES UNSEEN)"},
	{"APPEND", "Trash", `(\Seen)`, `"01-Jan-2020 10:00:00 +0000"`, "{3}"},
	{"GETQUOTA", `""`},
	{"GETQUOTAROOT", "INBOX"},
	{"SETQUOTA", `""`, "(STORAGE 5)"},
	{"GETACL", "Trash"},
	{"SETACL", "Trash", "eve", "lr"},
	{"DELETEACL", "Trash", "eve"},
	{"LISTRIGHTS", "Trash", "eve"},
	{"MYRIGHTS", "Trash"},
	{"GETMETADATA", "INBOX", "/private/comment"},
	{"SETMETADATA", "INBOX", "(/private/comment NIL)"},
	{"SEARCH", "RETURN", "(COUNT)", "CHARSET", "UTF-8", "OR", "SEEN", "SUBJECT", "x"},
	{"UID SEARCH", "UID", "1:*", "LARGER", "5", "SINCE", "1-Jan-2020"},
	{"FETCH", "1:*", "(FLAGS UID)"},
	{"UID FETCH", "1:*", "BODY.PEEK[HEADER.FIELDS (To)]<0.10>"},
	{"STORE", "1", "+FLAGS", `(\Flagged)`},
	{"UID STORE", "1:*", "-FLAGS.SILENT", `(\Flagged)`},
	{"COPY", "99", "Trash"},
	{"UID COPY", "99", "Trash"},
	{"UID EXPUNGE", "99"},
	{"MOVE", "99", "Trash"},
	{"UID MOVE", "99", "Trash"},
	{"SORT", "(DATE)", "UTF-8", "ALL"},
	{"UID SORT", "RETURN", "(MIN)", "(REVERSE DATE)", "UTF-8", "ALL"},
	{"THREAD", "REFERENCES", "UTF-8", "ALL"},
	{"UID THREAD", "REFERENCES", "UTF-8", "ALL"},
	{"NOTIFY", "NONE"},
	{"REPLACE", "1", "INBOX", "{3}"},
	{"XNOSUCH", "a", "b"},
	{"UID XNOSUCH", "1"},
	{"UID"},
	{""},
}

// strange are things to stand where something else is expected.
var strange = []string{
	"()", "(", ")", "((((", `"`, `""`, `"a`, `"\"`, `"\x"`, "NIL", "0", "00", "-1", "4294967295", "4294967296", "18446744073709551616",
	"99999999999999999999999999", "*", "*:*", "1:*:*", "1,", ",1", ":", "$", "1:4294967296", `\Seen`, `(\Recent)`, "[", "]", "BODY[", "BODY[]<", "BODY[]<1.0>",
	"%", "{", "}", "{}", "{x}", "{-1}", "{3", "~{3}", "{0}", "{3}", "{3+}\r\nabc", "{4294967296}", "{100000000}",
	"\x00", "a\x00b", "\"a\x00b\"", "{3+}\r\na\x00b", "\xff", "a\xff\xfeb", "\"\xc3\xa9\"", "\xc3\xa9", "\x01", "\x7f", "\t", "a\rb", "\"a\rb\"", "a\nb", "\"a\nb\"", "\r", "\n", "  ",
}

// wrong makes wrong commands of a good one: with each argument missing, doubled, too long, and
// something else.
func wrong(good []string) (out []string) {
	name, args := good[0], good[1:]
	say := func(args ...string) { out = append(out, strings.TrimRight(name+" "+strings.Join(args, " "), " ")) }
	for i := range args {
		say(args[:i]...)
		out = append(out, name+" "+strings.Join(args[:i], " ")+" ")
		say(slices.Delete(slices.Clone(args), i, i+1)...)
		say(slices.Insert(slices.Clone(args), i, args[i])...)
		for _, s := range append(slices.Clone(strange), strings.Repeat("x", 5000), strings.Repeat("1,", 3000)+"1", strings.Repeat("(", 500), strings.Repeat("x", 70_000), `"`+strings.Repeat(`\\`, 40_000)+`"`) {
			say(slices.Concat(args[:i], []string{s}, args[i+1:])...)
		}
	}
	say(append(slices.Clone(args), args...)...)
	for _, s := range strange {
		say(append(slices.Clone(args), s)...)
	}
	if name != "" {
		out = append(out, name+"\x00", name+"\xff", name+"\r", name+"  "+strings.Join(args, "  "), " "+name)
	}
	return out
}

var synchronising = regexp.MustCompile(`\{([0-9]*)\}$`)

// ask says something, with a NOOP behind it in the same packet, and gives the word of the tagged
// answer; "gone" if the connection was closed. A literal that is asked for comes; of
// more than three octets (or of none, as Dovecot reads {}) the answer is "+", and the connection of no more use. Unless it is strict, so it is
// after any literal: Dovecot takes what follows a refused APPEND for its message.
func (c *conn) ask(tag, text string, strict bool) string {
	c.t.Helper()
	c.deadline()
	c.last = text
	noop := tag + "n NOOP\r\n"
	literal := synchronising.FindStringSubmatch(text)
	first := tag + " " + text + "\r\n"
	if literal == nil {
		first += noop
	}
	if _, err := c.nc.Write([]byte(first)); err != nil {
		return "gone"
	}
	word := "none"
	for {
		r, err := c.tryResponse()
		if err != nil || strings.HasPrefix(r, "* BYE") {
			return "gone"
		}
		f := strings.Fields(r)
		switch {
		case len(f) == 0:
			c.t.Fatalf("%s: an empty line in answer to %.200q", c.name, text)
		case f[0] == "+" && literal != nil:
			size, err := strconv.Atoi(literal[1])
			if err != nil || size > 3 {
				return "+"
			}
			c.write("abc"[:size] + "\r\n")
		case f[0] == tag || word == "none" && len(f) > 1 && f[0] == "*" && f[1] == "BAD": // the tag was not understood
			if word = f[1]; literal != nil {
				if !strict {
					return word
				}
				c.write(noop)
			}
		case f[0] == tag+"n":
			if f[1] != "OK" {
				c.t.Errorf("%s: NOOP behind %.200q: %q", c.name, text, r)
			}
			return word
		}
	}
}

// TestBadInput says everything wrong that can be made of every command, through a gateway
// with an injected message in the view and through a plain proxy, and to the bare server: BAD, or what the server says. Behind
// each comes a NOOP in the same packet, which must be answered by its OK: whatever was wrong,
// the next command is the next command.
func TestBadInput(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{Plugins: []string{"quota", "imap_quota", "acl", "imap_acl"}, Extra: `imap_metadata = yes
mail_attribute_dict = file:%h/attributes
plugin {
  acl = vfile
  quota = count:User quota
  quota_vsizes = yes
}
`})
	d.Deliver(t, "ann", "INBOX", mails(3)...)
	d.Deliver(t, "bob", "INBOX", mails(4)...)
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	for name, p := range map[string]*proxy{"injected": newProxy(t, d.Addr, w.middleware), "plain": newProxy(t, d.Addr, nil)} {
		through, bare, exists := "ann", "bob", uint32(4)
		if name == "plain" {
			through, bare, exists = "cleo", "dora", 0
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if n := login(t, p.addr, through).exists("SELECT INBOX"); n != exists {
				t.Fatalf("%d messages, not %d", n, exists)
			}
			sayWrong(t, p, d.Addr, through, bare)
		})
	}
}

// sayWrong says everything wrong through a gateway, and what that is not BAD to to the server.
func sayWrong(t *testing.T, p *proxy, server, through, bare string) {
	t.Helper()
	var ours, theirs *conn
	start := time.Now()
	said, differ := 0, 0
	for _, good := range commands {
		for _, text := range wrong(good) {
			if ours == nil {
				ours = login(t, p.addr, through)
				ours.must("SELECT INBOX")
			}
			if theirs == nil {
				theirs = login(t, server, bare)
				theirs.must("SELECT INBOX")
			}
			said++
			tag := fmt.Sprint("x", said)
			got := ours.ask(tag, text, true)
			if got == "gone" || got == "+" {
				ours.nc.Close()
				ours = nil
			}
			if got == "BAD" || got == "NO" && good[0] == "COMPRESS" {
				continue // that is always right, and changes nothing; COMPRESS ends at the gateway
			}
			want := theirs.ask(tag, text, false)
			if want == "gone" || want == "+" || synchronising.MatchString(text) {
				theirs.nc.Close()
				theirs = nil
			}
			if got != want {
				differ++
				t.Errorf("%.300q is %s, and %s of the server", text, got, want)
			}
		}
		// What was selected by then is another matter.
		if ours != nil {
			ours.nc.Close()
		}
		if theirs != nil {
			theirs.nc.Close()
		}
		ours, theirs = nil, nil
	}
	for _, reason := range []string{"panic", "desync", "too_large"} {
		if n := p.metric(t, "inlay_gateway_closed_total", "reason="+reason); n != 0 {
			t.Errorf("%v sessions ended by %s", n, reason)
		}
	}
	t.Logf("%d wrong commands in %s, %d differ", said, time.Since(start).Round(time.Second), differ)
}
