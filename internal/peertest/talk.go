package peertest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// talk is a session with a server, for what the peers' own tools cannot do or tell.
type talk struct {
	t    testing.TB
	nc   net.Conn
	in   *bufio.Reader
	tags int
	who  string
}

// newTalk logs in.
func newTalk(t testing.TB, addr, user, password string) *talk {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	s := &talk{t: t, nc: nc, in: bufio.NewReader(nc), who: user}
	s.response() // the greeting
	s.must("LOGIN %q %q", user, password)
	return s
}

func (s *talk) tag() string {
	s.tags++
	return "t" + strconv.Itoa(s.tags)
}

var talkLiteral = regexp.MustCompile(`\{([0-9]+)\}\r\n$`)

// response reads one response with its literals.
func (s *talk) response() string {
	s.t.Helper()
	var b strings.Builder
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			s.t.Fatalf("speaking to the server as %s: %v after %.200q", s.who, err, b.String())
		}
		b.WriteString(line)
		m := talkLiteral.FindStringSubmatch(line)
		if m == nil {
			return b.String()
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err == nil {
			_, err = io.CopyN(&b, s.in, n)
		}
		if err != nil {
			s.t.Fatalf("speaking to the server as %s: %v", s.who, err)
		}
	}
}

// answer reads up to the tagged response of the last command.
func (s *talk) answer() (untagged []string, tagged string) {
	s.t.Helper()
	for {
		r := s.response()
		if rest, ok := strings.CutPrefix(r, "t"+strconv.Itoa(s.tags)+" "); ok {
			return untagged, strings.TrimSuffix(rest, "\r\n")
		}
		untagged = append(untagged, strings.TrimSuffix(strings.TrimPrefix(r, "* "), "\r\n"))
	}
}

func (s *talk) cmd(format string, args ...any) (untagged []string, tagged string) {
	s.t.Helper()
	text := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintf(s.nc, "%s %s\r\n", s.tag(), text); err != nil {
		s.t.Fatalf("speaking to the server as %s: %v", s.who, err)
	}
	return s.answer()
}

// must runs a command that has to succeed.
func (s *talk) must(format string, args ...any) []string {
	s.t.Helper()
	untagged, tagged := s.cmd(format, args...)
	if !strings.HasPrefix(tagged, "OK") {
		s.t.Fatalf("%s: %s: %s", s.who, fmt.Sprintf(format, args...), tagged)
	}
	return untagged
}

func (s *talk) end() {
	s.cmd("LOGOUT")
	s.nc.Close()
}

var (
	talkList  = regexp.MustCompile(`^LIST \(([^)]*)\) (?:"."|NIL) (.*)$`)
	talkFetch = regexp.MustCompile(`(?s)^[0-9]+ FETCH \(.*?BODY\[\] (?:"[^"]*"|\{[0-9]+\}\r\n(.*))\)$`)
	talkUID   = regexp.MustCompile(`\bUID ([0-9]+)`)
	talkFlags = regexp.MustCompile(`\bFLAGS \(([^)]*)\)`)
	talkDate  = regexp.MustCompile(`\bINTERNALDATE "([^"]*)"`)
)

// dump lists all messages of the user's own mailboxes, by mailbox and UID.
func (s *talk) dump() []Listed {
	s.t.Helper()
	var boxes []string
	for _, l := range s.must(`LIST "" *`) {
		if m := talkList.FindStringSubmatch(l); m != nil && !strings.Contains(m[1], `\Noselect`) && !strings.Contains(m[1], `\NonExistent`) {
			boxes = append(boxes, strings.Trim(m[2], `"`))
		}
	}
	slices.Sort(boxes)
	var all []Listed
	for _, box := range boxes {
		// rfc9051 §6.3.3: EXAMINE, and PEEK: nothing changes, not even \Recent.
		s.must("EXAMINE %q", box)
		for _, l := range s.must("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])") {
			m := talkFetch.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			head, _, _ := strings.Cut(l, "BODY[]")
			uid, flags, date := talkUID.FindStringSubmatch(head), talkFlags.FindStringSubmatch(head), talkDate.FindStringSubmatch(head)
			if uid == nil || flags == nil || date == nil {
				s.t.Fatalf("a message of %s is not understood: %.200q", box, l)
			}
			n, err := strconv.ParseUint(uid[1], 10, 32)
			if err != nil {
				s.t.Fatal(err)
			}
			set := slices.DeleteFunc(strings.Fields(flags[1]), func(f string) bool { return f == `\Recent` })
			slices.Sort(set)
			sum := sha256.Sum256([]byte(m[1]))
			all = append(all, Listed{Mailbox: box, UID: uint32(n), Flags: strings.Join(set, " "), Received: date[1], SHA256: hex.EncodeToString(sum[:])})
		}
	}
	return all
}

var talkStatus = regexp.MustCompile(`^STATUS .* \(([^)]*)\)$`)

func (s *talk) status(mailbox string) Status {
	s.t.Helper()
	var st Status
	for _, l := range s.must("STATUS %q (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)", mailbox) {
		m := talkStatus.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		f := strings.Fields(m[1])
		for i := 0; i+1 < len(f); i += 2 {
			n, err := strconv.ParseUint(f[i+1], 10, 63)
			if err != nil {
				s.t.Fatalf("%q: %v", l, err)
			}
			switch f[i] {
			case "MESSAGES":
				st.Messages = uint32(n)
			case "UIDNEXT":
				st.UIDNext = uint32(n)
			case "UIDVALIDITY":
				st.UIDValidity = uint32(n)
			case "UNSEEN":
				st.Unseen = uint32(n)
			case "HIGHESTMODSEQ":
				st.HighestModSeq = n
			}
		}
	}
	return st
}
