package bundle

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"inlay.example/inlay/internal/fault"
)

// Limits of a recipients' file.
const (
	MaxRow     = 256 << 10 // octets of a record or line, its end included
	MaxColumns = 1000      // the user's included
)

// userColumn is the name of what names the person: the first column in CSV, whatever it is
// called there, and the member "user" in NDJSON.
const userColumn = "user"

// maxWindow bounds what a zstd stream makes us remember.
const maxWindow = 8 << 20

// Recipient is a row as it was read.
type Recipient struct {
	Line      int64 // of its beginning in the uncompressed file, from 1
	User      string
	Variables map[string]string // nil when there are none
}

// RowError says why one row could not be read. Reading goes on after it.
type RowError struct {
	Line   int64 // as Recipient.Line
	Reason string
}

// Error gives line and reason.
func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Reader reads recipients one by one. It is not safe for concurrent use.
type Reader struct {
	name  string
	rows  rows
	close func()
}

// rows reads a form. A *RowError concerns one row; any other error, io.EOF included, is final.
type rows interface {
	next() (Recipient, error)
	columns() []string
	line() int64
}

// NewReader returns a reader of a recipients' file with this name, whose extension says what
// it is. r gives the file as it is stored. Invalid when the name or the beginning of the file
// is not what it should be, for CSV also when the header is wrong.
func NewReader(name string, r io.Reader) (*Reader, error) {
	form, compression, ok := formOf(name)
	if !ok {
		return nil, fault.New(fault.Invalid, "%s is not a file of recipients by its name", name)
	}
	out := &Reader{name: name, close: func() {}}
	switch compression {
	case compressedGzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, damaged(name, err)
		}
		r = z
	case compressedZstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, damaged(name, err)
		}
		r, out.close = z, z.Close
	}
	lines := &lines{r: bufio.NewReaderSize(r, MaxRow)}
	if form == formNDJSON {
		out.rows = &ndjsonRows{lines: lines}
		return out, nil
	}
	c, err := newCSVRows(name, lines)
	if err != nil {
		out.close()
		return nil, err
	}
	out.rows = c
	return out, nil
}

// damaged classifies what a decompressor says. What the source says of itself passes.
func damaged(name string, err error) error {
	var classified *fault.Error
	if errors.As(err, &classified) || fault.KindOf(err) != fault.Internal {
		return err
	}
	return fault.Wrap(fault.Invalid, err, "%s is damaged: %v", name, err)
}

// Columns are the variables that the file has for every row: of CSV those of its header,
// without the user's; nil for NDJSON, where every line names its own.
func (r *Reader) Columns() []string { return r.rows.columns() }

// Next reads a row. After a *RowError the next row can be read; io.EOF is the end; any other
// error is final: Invalid for a file that is damaged, or what its source said.
func (r *Reader) Next() (Recipient, error) {
	row, err := r.rows.next()
	var bad *RowError
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &bad) {
		return row, err
	}
	return row, damaged(r.name, err)
}

// Line is the number of the last line that was read.
func (r *Reader) Line() int64 { return r.rows.line() }

// Close frees what decompression held. It does not close the source.
func (r *Reader) Close() { r.close() }
