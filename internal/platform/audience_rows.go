package platform

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/store"
)

// maxRowErrors is how many wrong rows are named.
const maxRowErrors = 100

// userColumns are what the first column of an audience may be called.
func userColumns() []string { return []string{"user", "email"} }

// audienceReader reads an audience: CSV with a header whose first column is the person. What
// a file of a bundle must be like, an audience must be like too; that the first column is
// named for what it is, keeps lists without a header from losing their first person.
type audienceReader struct {
	*bundle.Reader
	names int // octets of the columns' names, in each row's variables
}

// newAudienceReader reads the header. Faults are Invalid, TooLarge, or what r says.
func newAudienceReader(r io.Reader) (*audienceReader, error) {
	in := bufio.NewReaderSize(r, bundle.MaxRow)
	first, err := firstColumn(in)
	if err != nil {
		return nil, err
	}
	known := false
	for _, name := range userColumns() {
		known = known || strings.EqualFold(first, name)
	}
	if !known {
		if strings.HasPrefix(first, "\xff\xfe") || strings.HasPrefix(first, "\xfe\xff") {
			return nil, fault.New(fault.Invalid, "the file is in UTF-16: save it as UTF-8")
		}
		if strings.ContainsAny(first, ";\t|") {
			return nil, fault.New(fault.Invalid, "the first line must name the columns, separated by commas; it begins with %q", clip(first))
		}
		return nil, fault.New(fault.Invalid, `the first line must name the columns, and the first of them must be "user" or "email", not %q`, clip(first))
	}
	rows, err := bundle.NewReader("audience.csv", in)
	if err != nil {
		return nil, err
	}
	a := &audienceReader{Reader: rows}
	for _, name := range rows.Columns() {
		a.names += len(name)
	}
	return a, nil
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// firstColumn looks at the name of the first column without taking anything from in.
func firstColumn(in *bufio.Reader) (string, error) {
	for want := 1; ; {
		_, err := in.Peek(want)
		b, _ := in.Peek(in.Buffered())
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
		line := bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), "\r\n")
		if i := bytes.IndexAny(line, ",\r\n"); i >= 0 {
			line = line[:i]
		} else if err == nil {
			want = len(b) + 1
			continue
		}
		if len(line) == 0 {
			return "", fault.New(fault.Invalid, "the file is empty: the first line must name the columns")
		}
		return strings.TrimSpace(strings.Trim(string(line), `"`)), nil
	}
}

// next returns a row. A *bundle.RowError concerns that row only.
func (a *audienceReader) next() (bundle.Row, error) {
	r, err := a.Next()
	if err != nil {
		return bundle.Row{}, err
	}
	row := bundle.Row{User: strings.TrimSpace(r.User), Values: make([]string, 0, len(r.Variables))}
	if _, err := placement.NormaliseUser(row.User, ""); err != nil {
		return row, &bundle.RowError{Line: r.Line, Reason: fault.Public(err)}
	}
	size := a.names
	for _, name := range a.Columns() {
		value := r.Variables[name]
		row.Values = append(row.Values, value)
		size += len(value) + 6 // quotes, colon, comma
	}
	// JSON makes up to six octets of one; only what might be too large is measured.
	if size > store.MaxVariables/6 {
		body, err := json.Marshal(r.Variables)
		if err != nil || len(body) > store.MaxVariables {
			return row, &bundle.RowError{Line: r.Line, Reason: fmt.Sprintf("its values are more than %d octets as JSON", store.MaxVariables)}
		}
	}
	return row, nil
}

// copyRows checks the audience that r gives and writes it to w in one form. With skip, wrong
// rows are left out and counted; otherwise all of them are looked for and the error has the
// first hundred.
func copyRows(w io.Writer, r io.Reader, skip bool, out *api.Audience) error {
	a, err := newAudienceReader(r)
	if err != nil {
		return err
	}
	defer a.Close()
	out.Columns = append([]string{userColumns()[0]}, a.Columns()...)
	to := csv.NewWriter(w)
	if err := to.Write(out.Columns); err != nil {
		return err
	}
	for {
		row, err := a.next()
		var bad *bundle.RowError
		switch {
		case errors.Is(err, io.EOF):
			to.Flush()
			return errors.Join(to.Error(), judge(out, skip))
		case errors.As(err, &bad):
			out.Rejected++
			if len(out.Errors) < maxRowErrors {
				out.Errors = append(out.Errors, api.RowError{Line: bad.Line, Message: bad.Reason})
			} else if !skip {
				return judge(out, skip)
			}
			continue
		case err != nil:
			return err
		}
		out.Rows++
		if out.Rejected > 0 && !skip {
			continue // nothing will be stored: only the other errors are looked for
		}
		if err := to.Write(append([]string{row.User}, row.Values...)); err != nil {
			return err
		}
	}
}

// judge says what is wrong with an audience that has been read.
func judge(a *api.Audience, skip bool) error {
	if a.Rejected > 0 && !skip {
		return &rowsError{rows: a.Errors, more: a.Rejected > maxRowErrors}
	}
	if a.Rows == 0 {
		if a.Rejected > 0 {
			return &rowsError{rows: a.Errors, more: a.Rejected > maxRowErrors}
		}
		return fault.New(fault.Invalid, "there are no rows below the header")
	}
	return nil
}

// rowsError says which rows are wrong.
type rowsError struct {
	rows []api.RowError
	more bool
}

func (e *rowsError) fields() fault.Fields {
	var f fault.Fields
	for _, r := range e.rows {
		f.Add(fmt.Sprintf("line %d", r.Line), "%s", r.Message)
	}
	return f
}

// Error counts the rows.
func (e *rowsError) Error() string {
	many := ""
	if e.more {
		many = "more than "
	}
	return fmt.Sprintf("%s%d rows are wrong, and nothing was stored", many, len(e.rows))
}

// Unwrap makes it Invalid, row by row.
func (e *rowsError) Unwrap() error { return e.fields() }
