package laws

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Step is one thing that happens in a dialogue: a command of one of the person's sessions, or an
// event outside of them.
type Step struct {
	// Session says the command, from 1; 0 is an event.
	Session int
	// Pipe sends the command and does not wait: the answer is read with that of the session's
	// next step.
	Pipe bool
	// Odd says that the grammar has no such command: it may be refused where the server takes it.
	Odd bool
	// Cut, if not 0, sends that many octets of the command, then lets the next step happen, and
	// then sends the rest.
	Cut int
	// Text is the command without tag and line end. Sets of messages are written «n 1:3,*»
	// for numbers and «u 7:9» for UIDs, in the numbering of the mailbox with the letters, and
	// put in each side's own before they are sent. IDLE and DONE are steps of their own.
	//
	// Events are:
	//
	//	append 12          mail 12 of the stock is delivered
	//	store «u 3» +FLAGS (\Seen)   another client, around the gateway, on real messages only
	//	expunge «u 3:4»    so too
	//	offer 2            letter 2 is there for the person; the next command that can injects it
	//	recall 2           and is taken back
	Text string
}

// Law is which comparison is made.
type Law string

// The laws.
const (
	Delivery Law = "delivery"
	Erasure  Law = "erasure"
)

// Dialogue is what is played on two sides.
type Dialogue struct {
	Law      Law
	Seed     uint64 // of the cuts in the streams; and for who looks for where it came from
	Sessions int
	Steps    []Step
}

// condstore reports whether the dialogue may use CONDSTORE: a client that never does is told other things.
func (d *Dialogue) condstore() bool { return d.Seed%3 == 0 }

// header begins the text of a dialogue.
const header = "dialogue"

// Write writes the dialogue's text form: one line per step, with "␍␊" for line ends within.
func (d *Dialogue) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s %s %d %d\n", header, d.Law, d.Seed, d.Sessions)
	for _, s := range d.Steps {
		fmt.Fprintln(out, s)
	}
	return out.Flush()
}

// String is the step's line.
func (s Step) String() string {
	if s.Session == 0 {
		return "! " + s.Text
	}
	mark := ""
	if s.Pipe {
		mark = "+"
	}
	if s.Odd {
		mark += "?"
	}
	if s.Cut > 0 {
		mark += "[" + strconv.Itoa(s.Cut) + "]"
	}
	return "s" + strconv.Itoa(s.Session) + mark + " " + escape(s.Text)
}

func escape(text string) string {
	plain := strings.ReplaceAll(text, "\r\n", "␍␊")
	if strings.IndexFunc(plain, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) >= 0 {
		return "q" + strconv.Quote(text)
	}
	return plain
}

func unescape(line string) (string, error) {
	if strings.HasPrefix(line, `q"`) {
		return strconv.Unquote(line[1:])
	}
	return strings.ReplaceAll(line, "␍␊", "\r\n"), nil
}

// Read reads a text that Write wrote. Empty lines and lines that begin with "#" are left out.
func Read(r io.Reader) (*Dialogue, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	d := &Dialogue{}
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if d.Law == "" {
			if _, err := fmt.Sscanf(line, header+" %s %d %d", &d.Law, &d.Seed, &d.Sessions); err != nil {
				return nil, fmt.Errorf("line %d: not the header of a dialogue: %w", n, err)
			}
			if d.Law != Delivery && d.Law != Erasure || d.Sessions < 1 {
				return nil, fmt.Errorf("line %d: a dialogue of law %q with %d sessions", n, d.Law, d.Sessions)
			}
			continue
		}
		s, err := readStep(line)
		if err != nil || s.Session > d.Sessions {
			return nil, fmt.Errorf("line %d: not a step of this dialogue: %q: %w", n, line, err)
		}
		d.Steps = append(d.Steps, s)
	}
	if d.Law == "" && in.Err() == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return d, in.Err()
}

func readStep(line string) (s Step, err error) {
	if text, ok := strings.CutPrefix(line, "! "); ok {
		return Step{Text: text}, nil
	}
	head, text, ok := strings.Cut(line, " ")
	rest, isSession := strings.CutPrefix(head, "s")
	if !ok || !isSession {
		return s, fmt.Errorf("no session is named")
	}
	if before, after, cut := strings.Cut(rest, "["); cut {
		rest = before
		if s.Cut, err = strconv.Atoi(strings.TrimSuffix(after, "]")); err != nil {
			return s, err
		}
	}
	rest, s.Odd = strings.CutSuffix(rest, "?")
	rest, s.Pipe = strings.CutSuffix(rest, "+")
	if s.Session, err = strconv.Atoi(rest); err != nil {
		return s, err
	}
	s.Text, err = unescape(text)
	return s, err
}
