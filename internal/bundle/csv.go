package bundle

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"inlay.example/inlay/internal/fault"
)

// csvRows reads RFC 4180. Records are cut out by counting quotes and then read by the library
// one by one: given the whole text it would hold everything behind a quote that is never
// closed.
type csvRows struct {
	lines  *lines
	header []string // without the user's
	feed   feed
	csv    *csv.Reader

	fields []string // of the last record
	err    error    // why it was rejected
	quotes int      // in the record so far
}

// feed gives the library one record at a time.
type feed struct{ rest []byte }

func (f *feed) Read(b []byte) (int, error) {
	if len(f.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func newCSVRows(name string, l *lines) (*csvRows, error) {
	c := &csvRows{lines: l}
	c.restart()
	if err := l.skipBOM(); err != nil {
		return nil, damaged(name, err)
	}
	record, _, err := c.read()
	var row *RowError
	switch {
	case errors.Is(err, io.EOF):
		return nil, fault.New(fault.Invalid, "%s has no header line", name)
	case errors.As(err, &row):
		return nil, fault.New(fault.Invalid, "%s: the header cannot be read: %s", name, row.Error())
	case err != nil:
		return nil, damaged(name, err)
	case len(record) > MaxColumns:
		return nil, fault.New(fault.TooLarge, "%s: the header has more than %d columns", name, MaxColumns)
	}
	c.header = append([]string{}, record[1:]...) // the library uses its record again
	if err := checkColumns(c.header); err != nil {
		return nil, fault.Wrap(fault.KindOf(err), err, "%s: the header: %s", name, fault.Public(err))
	}
	return c, nil
}

func (c *csvRows) restart() {
	c.csv = csv.NewReader(&c.feed)
	c.csv.FieldsPerRecord, c.csv.ReuseRecord = -1, true
}

func (c *csvRows) columns() []string { return c.header }

func (c *csvRows) line() int64 { return c.lines.n }

// add implements what lines.record asks.
func (c *csvRows) add(record, line []byte) verdict {
	if c.quotes += bytes.Count(line, []byte{'"'}); c.quotes%2 != 0 {
		return goOn
	}
	if len(trimEnd(record)) == 0 {
		c.fields = nil // an empty line is no record
		return accept
	}
	c.feed.rest = record
	if c.fields, c.err = c.csv.Read(); c.err != nil || len(c.feed.rest) > 0 {
		c.restart()
		return reject
	}
	return accept
}

// read returns the fields of the next record, which hold until the next call, and its line.
func (c *csvRows) read() ([]string, int64, error) {
	for {
		at := c.lines.n + 1
		c.quotes, c.err = 0, nil
		record, whole, err := c.lines.record(c.add)
		switch {
		case errors.Is(err, errTooLong):
			return nil, at, &RowError{at, fmt.Sprintf("longer than %d octets", MaxRow)}
		case err != nil:
			return nil, at, err
		case !whole:
			return nil, at, &RowError{at, reasonOf(c.err)}
		case c.fields == nil:
			continue
		case !utf8.Valid(record):
			return nil, at, &RowError{at, "not UTF-8"}
		}
		return c.fields, at, nil
	}
}

func reasonOf(err error) string {
	var parse *csv.ParseError
	switch {
	case errors.As(err, &parse) && errors.Is(err, csv.ErrBareQuote):
		return fmt.Sprintf(`column %d: a quote in the middle of a field: put the field in quotes and double the quote`, parse.Column)
	case errors.As(err, &parse) && errors.Is(err, csv.ErrQuote):
		return fmt.Sprintf(`column %d: a quote that is neither doubled nor the end of its field`, parse.Column)
	}
	return "a quote that is never closed"
}

func (c *csvRows) next() (Recipient, error) {
	fields, at, err := c.read()
	if err != nil {
		return Recipient{}, err
	}
	if len(fields) != len(c.header)+1 {
		return Recipient{}, &RowError{at, fmt.Sprintf("%d fields, and the header has %d", len(fields), len(c.header)+1)}
	}
	if fields[0] == "" {
		return Recipient{}, &RowError{at, "the user is missing"}
	}
	r := Recipient{Line: at, User: fields[0]}
	if len(c.header) > 0 {
		r.Variables = make(map[string]string, len(c.header))
		for i, name := range c.header {
			r.Variables[name] = fields[i+1]
		}
	}
	return r, nil
}
