package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform/client"
)

func runCommand(std IO, flags *platformFlags) *cobra.Command {
	var template, audience, name, mailbox, class, start, end string
	var priority int
	var skipBad, noWait, asJSON bool
	cmd := &cobra.Command{
		Use:   "run --template FILE --audience FILE --name NAME",
		Short: "From files to inboxes in one command",
		Long: `Stores a template and an audience, makes a campaign of them, starts it, and waits until it runs:
from then on its people see the message at their next look into the mailbox. The last line of the
output is the campaign's id.

The template is an .eml: headers, an empty line, text or HTML, with {{ name | default: "there" }}
for what differs from person to person. The audience is CSV with a header row; the first column,
user, is the login name, the others are the template's variables. {{ email }} is the login name, with the
gateway's domain behind one that has no "@", unless the audience has a column email.

Times are "now", a distance as "+7d", "+2h" or "+1d12h" (of --end: from the start), or RFC 3339.`,
		Example: `  inlay campaign run --template welcome.eml --audience people.csv --name Welcome
  inlay campaign run --template outage.eml --audience people.csv --name "Works on Sunday" \
      --class service --start 2026-12-24T18:00:00+01:00 --end +2d`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l := launch{name: name, mailbox: mailbox, class: campaign.Class(class), priority: priority, skipBad: skipBad, wait: !noWait}
			if err := l.schedule(start, end, time.Now()); err != nil {
				return err
			}
			if err := l.check(template, audience); err != nil {
				return err
			}
			files, err := l.open(std, template, audience)
			defer files()
			if err != nil {
				return err
			}
			c, err := flags.client()
			if err != nil {
				return err
			}
			defer c.Close()
			p := &progress{w: std.Err, terminal: std.Terminal}
			if asJSON && !std.Terminal {
				p.w = io.Discard
			}
			ctx, stop := untilSignal(cmd.Context(), std, func() {})
			defer stop()
			one, err := l.do(ctx, c, p)
			p.end()
			if err != nil {
				return l.explained(err)
			}
			if asJSON {
				return printJSON(std.Out, one)
			}
			if !std.Terminal || one.State != campaign.Running {
				fmt.Fprintf(std.Err, "%s: %s\n", one.ID, state(one))
			}
			_, err = fmt.Fprintln(std.Out, one.ID)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&template, "template", "", "the message: an .eml `FILE`, or - for standard input")
	f.StringVar(&audience, "audience", "", "the people: a CSV `FILE`, or - for standard input")
	f.StringVar(&name, "name", "", "`NAME` of the campaign, for people")
	f.StringVar(&mailbox, "mailbox", "INBOX", "`MAILBOX` that it appears in")
	f.StringVar(&class, "class", string(campaign.Own), "legal class: service, own or third_party")
	f.StringVar(&start, "start", "now", "`TIME` of the first injection")
	f.StringVar(&end, "end", "+7d", "`TIME` at which it is no longer shown")
	f.IntVar(&priority, "priority", 0, "0 to 100: of two campaigns for one person the higher goes first")
	f.BoolVar(&skipBad, "skip-bad-rows", false, "leave bad rows of the audience out, instead of refusing it")
	f.BoolVar(&noWait, "no-wait", false, "do not wait until it runs")
	f.BoolVar(&asJSON, "json", false, "print the campaign as JSON")
	return cmd
}

// schedule reads start and end.
func (l *launch) schedule(start, end string, now time.Time) error {
	from := now
	if start != "now" {
		var err error
		if from, err = parseTime("--start", start, now); err != nil {
			return err
		}
		l.start = from
	}
	var err error
	if l.end, err = parseTime("--end", end, from); err != nil {
		return err
	}
	switch {
	case !l.end.After(from):
		return fault.New(fault.Invalid, "--end: %s is not after the start", end)
	case !l.end.After(now):
		return fault.New(fault.Invalid, "--end: %s is over already", end)
	}
	l.end = l.end.UTC().Truncate(time.Second)
	return nil
}

// check tells everything that is missing or impossible at once.
func (l *launch) check(template, audience string) error {
	var wrong []string
	for _, f := range []struct{ flag, value string }{{"--template", template}, {"--audience", audience}, {"--name", l.name}} {
		if f.value == "" {
			wrong = append(wrong, f.flag+" is missing")
		}
	}
	if template == "-" && audience == "-" {
		wrong = append(wrong, "--template and --audience cannot both be standard input")
	}
	switch l.class {
	case campaign.Service, campaign.Own, campaign.ThirdParty:
	default:
		wrong = append(wrong, fmt.Sprintf("--class must be service, own or third_party, not %q", l.class))
	}
	if l.priority < 0 || l.priority > 100 {
		wrong = append(wrong, fmt.Sprintf("--priority must be 0 to 100, not %d", l.priority))
	}
	switch len(wrong) {
	case 0:
		return nil
	case 1:
		return fault.New(fault.Invalid, "%s", wrong[0])
	}
	return fault.New(fault.Invalid, "inlay: %s", strings.Join(wrong, "\ninlay: "))
}

// open opens the files. What it returns closes them, also after an error.
func (l *launch) open(std IO, template, audience string) (closeAll func(), err error) {
	var open []io.Closer
	closeAll = func() {
		for _, c := range open {
			_ = c.Close() // only read from
		}
	}
	l.audienceSize = -1
	for _, f := range []struct {
		flag, name string
		to         *io.Reader
		size       *int64
		shown      *string
	}{
		{"--template", template, &l.template, nil, &l.templateFile},
		{"--audience", audience, &l.audience, &l.audienceSize, &l.audienceFile},
	} {
		if f.name == "-" {
			*f.to, *f.shown = std.In, "standard input"
			continue
		}
		*f.shown = filepath.Clean(f.name)
		h, err := os.Open(f.name)
		if err != nil {
			var pe *os.PathError
			if errors.As(err, &pe) {
				err = pe.Err
			}
			return closeAll, fault.New(fault.Invalid, "%s: %s: %v", f.flag, f.name, err)
		}
		open = append(open, h)
		st, err := h.Stat()
		if err != nil || st.IsDir() {
			return closeAll, fault.New(fault.Invalid, "%s: %s is not a file", f.flag, f.name)
		}
		*f.to = h
		if f.size != nil && st.Mode().IsRegular() {
			*f.size = st.Size()
		}
	}
	return closeAll, nil
}

// inFile says which file is meant by an answer that is about all of it.
func inFile(err error, file string) error {
	p := client.ProblemOf(err)
	if p == nil || len(p.Errors) > 0 || !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
		return err
	}
	// Over HTTP files have no names, and the platform says what they are.
	text := strings.TrimPrefix(strings.TrimPrefix(p.Detail, "template: "), "audience.csv: ")
	return fault.Wrap(fault.KindOf(err), err, "%s: %s", file, text)
}

// explained makes an answer with a list of what is wrong one line for each, with the file or the
// flag that is meant, so that editors find the place.
func (l *launch) explained(err error) error {
	p := client.ProblemOf(err)
	if p == nil || len(p.Errors) == 0 {
		return err
	}
	lines := []string{"inlay: " + p.Detail}
	rows := false
	for _, e := range p.Errors {
		where := e.Location
		line, isRow := strings.CutPrefix(e.Location, "line ")
		member := strings.TrimPrefix(strings.TrimPrefix(e.Location, "query."), "body.")
		isMember := member != e.Location
		switch {
		case isRow:
			rows = true
			where = l.audienceFile + ":" + line
		case isMember && member == "audience":
			where = l.audienceFile
		case isMember && member == "template", where == "the template":
			where = l.templateFile
		case isMember:
			where = "--" + member
		case where != "":
			where = l.templateFile + ": " + where
		}
		if where != "" {
			where += ": "
		}
		lines = append(lines, where+e.Message)
	}
	text := strings.Join(lines, "\n  ")
	if rows && !l.skipBad {
		text += "\nNothing was stored. Correct these rows, or leave them out with --skip-bad-rows."
	}
	return fault.Wrap(fault.KindOf(err), err, "%s", text)
}
