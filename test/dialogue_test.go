package test_test

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"

	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/peertest"
)

// TestDialogue plays testdata/dialogue.txt against the bare server and through gateways that
// have nothing to inject, and compares every octet: the second half of the erasure law.
func TestDialogue(t *testing.T) {
	t.Parallel()
	script := readScript(t, "testdata/dialogue.txt")
	if n := len(script); n < 200 {
		t.Fatalf("the dialogue has %d commands, not 200", n)
	}
	for name, options := range map[string]peertest.Options{
		"mdbox": {Format: "mdbox"}, "maildir": {Format: "maildir"}, "literal-minus": {Format: "sdbox", Extra: "imap_literal_minus = yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playEverywhere(t, peertest.StartDovecot(t, options), script)
		})
	}
	t.Run("cyrus", func(t *testing.T) {
		t.Parallel()
		playEverywhere(t, peertest.StartCyrus(t, peertest.CyrusOptions{}), script)
	})
}

// TestDialogueOfAdministration does the same for quota, access rights and metadata.
func TestDialogueOfAdministration(t *testing.T) {
	t.Parallel()
	playEverywhere(t, peertest.StartDovecot(t, peertest.Options{
		Plugins: []string{"quota", "imap_quota", "acl", "imap_acl"},
		Extra: `imap_metadata = yes
mail_attribute_dict = file:%h/attributes
plugin {
  acl = vfile
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:messages=1000
}
`,
	}), readScript(t, "testdata/administration.txt"))
}

// playEverywhere plays a script against a server and through gateways that have nothing to
// inject, and compares.
func playEverywhere(t *testing.T, d peertest.Server, script []scene) {
	t.Helper()
	w := newWorld(t)
	w.run(t, "for-others", []string{"somebody-else"})
	want := play(t, d, d.Address(), "bare", script)
	for name, service := range map[string]injection.Service{"plain": nil, "nothing": w.middleware} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := play(t, d, newProxy(t, d.Address(), service).addr, name, script)
			compareScenes(t, want, got)
		})
	}
}

// scene is a command and what came for it.
type scene struct {
	line    int
	command string
	answer  string
}

func readScript(t testing.TB, file string) []scene {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []scene
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		if text := in.Text(); text != "" && text[0] != '#' {
			out = append(out, scene{line: n, command: text})
		}
	}
	if in.Err() != nil {
		t.Fatal(in.Err())
	}
	return out
}

// play runs a script for a new person and returns what was heard.
func play(t testing.TB, d peertest.Server, addr, user string, script []scene) []scene {
	t.Helper()
	d.Deliver(t, user, "INBOX", mails(12)...)
	c, other := dial(t, addr), login(t, d.Address(), user)
	c.name, other.name = user, "the other session of "+user
	server := "!" + string(d.Kind())
	var heard []scene
	idleTag := ""
	for _, s := range script {
		text := strings.NewReplacer("␍␊", "\r\n", "␣", " ", "USER", user).Replace(s.command)
		verb, rest, _ := strings.Cut(text, " ")
		if verb == "!"+string(peertest.DovecotBackend) || verb == "!"+string(peertest.CyrusBackend) {
			if verb != server {
				continue
			}
			text = rest
		}
		switch {
		case verb == "!other":
			other.must(rest)
			continue
		case verb == "!hear":
			s.answer = strings.Join(c.hear(rest), "")
		case verb == "!done":
			s.answer = c.done(idleTag).raw()
		case text == "IDLE":
			idleTag = c.idle()
			continue
		default:
			s.answer = c.cmd(text).raw()
		}
		s.answer = strings.ReplaceAll(s.answer, "* ACL Work "+user+" ", "* ACL Work USER ") // each run is another person's
		heard = append(heard, s)
	}
	return heard
}

// difference is something that is replaced before answers are compared.
type difference struct {
	why  string
	what *regexp.Regexp
	as   string
}

// declared is what may differ between the server and a gateway in front of it that injects
// nothing, each with its reason. What is not here has to be the same, octet by octet.
var declared = []difference{
	{"the gateway offers fewer extensions, and says so", regexp.MustCompile(`CAPABILITY [^]\r\n]*`), "CAPABILITY …"},
	{"Dovecot puts the time that it took into the text of OK", regexp.MustCompile(` \([0-9.]+ \+ [0-9.]+ (\+ [0-9.]+ )?secs\)`), ""},
	{"Cyrus does too, and counts its steps and what it found", regexp.MustCompile(` \(([0-9]+ msgs in )?[0-9.]+ secs?( [0-9]+ calls)?\)`), ""},
	{"Cyrus names a session, and a mailbox, by a random word", regexp.MustCompile(`\b(SESSIONID=<|MAILBOXID \()[^)>]+`), "${1}…"},
	{"a text that asks for a literal says nothing; what the gateway asks for by itself it asks for in its own words", regexp.MustCompile(`(?m)^\+ .*`), "+ …"},
	{"Cyrus says of what remains of a refused literal that it is no command, now or with the next answer", regexp.MustCompile(`(?m)^\* BAD .*\r\n`), ""},
	{"UIDVALIDITY is the second in which a mailbox was made", regexp.MustCompile(`\b(UIDVALIDITY|APPENDUID|COPYUID) [0-9]+`), "$1 …"},
	{"Dovecot marks a maildir by the age of its directory in whole seconds, so the mark depends on the moment of asking", regexp.MustCompile(` \\(?:Un)?[Mm]arked\b`), ""},
	{"what the gateway refuses by itself it refuses in its own words", regexp.MustCompile(`(?m)^(\* )?BAD .*`), "${1}BAD …"},
}

func normal(s string) string {
	for _, d := range declared {
		s = d.what.ReplaceAllString(s, d.as)
	}
	return s
}

func compareScenes(t testing.TB, want, got []scene) {
	t.Helper()
	for i := range want {
		if w, g := normal(want[i].answer), normal(got[i].answer); w != g {
			t.Errorf("line %d: %s\n--- the server\n%s\n--- the gateway\n%s", want[i].line, want[i].command, w, g)
		}
	}
}
