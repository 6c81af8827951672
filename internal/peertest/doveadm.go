package peertest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Doveadm runs Dovecot's own administration command, and returns what it printed. The test
// fails when the command does.
func (d *Dovecot) Doveadm(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.Command(d.doveadm, append([]string{"-c", d.conf}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("doveadm %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// Serves reports whether the server has a session of the user.
func (d *Dovecot) Serves(t testing.TB, user string) bool {
	t.Helper()
	for line := range strings.Lines(d.Doveadm(t, "who", user)) {
		if who, _, ok := strings.Cut(line, " "); ok && who == user {
			return true
		}
	}
	return false
}

// Listed is a message as the server's own tool lists it.
type Listed struct {
	Mailbox  string
	UID      uint32
	Flags    string // sorted, separated by blanks, without \Recent (which is a session's, not a message's)
	Received string // INTERNALDATE
	SHA256   string // of the message's bytes as IMAP would send them, hexadecimal
}

var listedHead = regexp.MustCompile(`^mailbox=(.*) uid=([0-9]+) flags=(.*) date\.received=(\S+ \S+) size\.virtual=([0-9]+) text=`)

// Dump lists all messages of all mailboxes of a user, by mailbox and UID. Two dumps are equal
// when no message has come, gone or changed in between.
func (d *Dovecot) Dump(t testing.TB, user string) []Listed {
	t.Helper()
	// Format "tab" puts a tab into a text wherever it happens to read on.
	out := d.Doveadm(t, "-f", "flow", "fetch", "-u", user, "mailbox uid flags date.received size.virtual text", "all")
	var all []Listed
	for out != "" {
		col := listedHead.FindStringSubmatch(out)
		if col == nil {
			t.Fatalf("doveadm fetch: not understood: %.200q", out)
		}
		uid, err := strconv.ParseUint(col[2], 10, 32)
		if err != nil {
			t.Fatalf("doveadm fetch: %v", err)
		}
		size, err := strconv.Atoi(col[5])
		if err != nil {
			t.Fatalf("doveadm fetch: %v", err)
		}
		text, rest := textOf(out[len(col[0]):], size)
		var ok bool
		if out, ok = strings.CutPrefix(rest, "\n"); !ok {
			t.Fatalf("doveadm fetch: UID %d of %s is not of %d octets", uid, col[1], size)
		}
		flags := slices.DeleteFunc(strings.Fields(col[3]), func(f string) bool { return f == `\Recent` })
		slices.Sort(flags)
		sum := sha256.Sum256(text)
		all = append(all, Listed{
			Mailbox: col[1], UID: uint32(uid), Flags: strings.Join(flags, " "), Received: col[4],
			SHA256: hex.EncodeToString(sum[:]),
		})
	}
	slices.SortFunc(all, func(a, b Listed) int {
		return cmp.Or(strings.Compare(a.Mailbox, b.Mailbox), cmp.Compare(a.UID, b.UID))
	})
	return all
}

// textOf takes a message of size octets off the front of what doveadm printed. It prints
// messages as they are, not escaped, but for line ends, which it prints as LF and IMAP as CR LF:
// so the end is where it would be with CR LF.
func textOf(printed string, size int) (text []byte, rest string) {
	i := 0
	for ; i < len(printed) && len(text) < size; i++ {
		if printed[i] == '\n' {
			text = append(text, '\r')
		}
		text = append(text, printed[i])
	}
	return text, printed[i:]
}

// Status of a mailbox, as the server's own tool tells it.
type Status struct {
	Messages, UIDNext, UIDValidity, Unseen uint32
	HighestModSeq                          uint64
}

// Status asks doveadm about a mailbox.
func (d *Dovecot) Status(t testing.TB, user, mailbox string) Status {
	t.Helper()
	out := d.Doveadm(t, "-f", "flow", "mailbox", "status", "-u", user, "messages uidnext uidvalidity unseen highestmodseq", mailbox)
	var s Status
	for _, f := range strings.Fields(out) {
		name, value, ok := strings.Cut(f, "=")
		if !ok {
			continue
		}
		var err error
		switch name {
		case "messages":
			_, err = fmt.Sscan(value, &s.Messages)
		case "uidnext":
			_, err = fmt.Sscan(value, &s.UIDNext)
		case "uidvalidity":
			_, err = fmt.Sscan(value, &s.UIDValidity)
		case "unseen":
			_, err = fmt.Sscan(value, &s.Unseen)
		case "highestmodseq":
			_, err = fmt.Sscan(value, &s.HighestModSeq)
		}
		if err != nil {
			t.Fatalf("doveadm mailbox status: %q: %v", f, err)
		}
	}
	return s
}
