package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// PartRows is how many recipients Write puts into one file.
const PartRows = 250_000

// Row is a recipient to be written.
type Row struct {
	User   string
	Values []string // of the columns, in their order
}

// Write writes a bundle: recipients as compressed CSV in files of PartRows, then the template,
// then the manifest, whose key it returns. m says what the campaign is; Format, Template and
// Recipients are filled in. columns names the variables of rows, without the user.
//
// Conflict when this version's manifest is there already: it was announced, or may be, and must
// not be changed. What an interrupted call left is written over by the next one. An error of
// rows ends the writing and is returned as it is. Memory does not grow with the rows.
func Write(ctx context.Context, objects object.Store, prefix string, m Manifest, template []byte, columns []string, rows iter.Seq2[Row, error]) (object.Key, error) {
	return write(ctx, objects, prefix, m, template, columns, rows, PartRows)
}

func write(ctx context.Context, objects object.Store, prefix string, m Manifest, template []byte, columns []string, rows iter.Seq2[Row, error], partRows int64) (object.Key, error) {
	m.Format = Format
	if err := m.validate(true).Err(); err != nil {
		return "", err
	}
	if err := checkColumns(columns); err != nil {
		return "", err
	}
	if len(template) > MaxTemplate {
		return "", fault.New(fault.TooLarge, "template of %d octets, more than %d", len(template), MaxTemplate)
	}
	key := Key(prefix, m.Campaign, m.Version)
	if err := key.Validate(); err != nil {
		return "", err
	}
	switch _, err := objects.Stat(ctx, key); {
	case err == nil:
		return "", fault.New(fault.Conflict, "version %d of campaign %s was written already, and is not changed", m.Version, m.Campaign)
	case !fault.Is(err, fault.NotFound):
		return "", fmt.Errorf("looking for an earlier manifest: %w", err)
	}
	w := writer{ctx: ctx, objects: objects, manifest: key, header: append([]string{userColumn}, columns...), partRows: partRows}
	var err error
	if m.Recipients, err = w.recipients(rows); err != nil {
		return "", err
	}
	m.Template = File{Name: "template-default.eml", Size: int64(len(template)), SHA256: sum(template)}
	if _, err := objects.Put(ctx, Beside(key, m.Template.Name), bytes.NewReader(template), m.Template.Size); err != nil {
		return "", fmt.Errorf("writing the template: %w", err)
	}
	if err := m.Validate(); err != nil {
		return "", err
	}
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", fmt.Errorf("writing the manifest: %w", err)
	}
	if _, err := objects.Put(ctx, key, bytes.NewReader(body), int64(len(body))); err != nil {
		return "", fmt.Errorf("writing the manifest: %w", err)
	}
	return key, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// checkColumns says what is wrong with the names of variables.
func checkColumns(columns []string) error {
	if len(columns) >= MaxColumns {
		return fault.New(fault.TooLarge, "%d columns beside the user, more than %d", len(columns), MaxColumns-1)
	}
	seen := map[string]bool{}
	for i, name := range columns {
		switch {
		case name == userColumn:
			return fault.New(fault.Invalid, "column %d: %q is what the first column is", i+2, name)
		case !columnName(name):
			return fault.New(fault.Invalid, "column %d: %q is not the name of a variable: letters, digits, '_', '-' and '.', first a letter or '_', up to %d", i+2, name, MaxColumnName)
		case seen[name]:
			return fault.New(fault.Invalid, "column %d: %q is there twice", i+2, name)
		}
		seen[name] = true
	}
	return nil
}

type writer struct {
	ctx      context.Context //nolint:containedctx // lives for one Write
	objects  object.Store
	manifest object.Key
	header   []string
	partRows int64
	z        *zstd.Encoder // of the file that is being written

	next func() (Row, error, bool)
	// row is the next one, if there is one: so that a file is not begun for nothing.
	row  Row
	more bool
}

// pull looks at the next row.
func (w *writer) pull() error {
	row, err, ok := w.next()
	w.row, w.more = row, ok && err == nil
	return err
}

// recipients writes all rows. The rows are pulled one by one, so that the file that is being
// written and the sequence may stop each other.
func (w *writer) recipients(rows iter.Seq2[Row, error]) ([]RecipientsFile, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, fmt.Errorf("compressing recipients: %w", err)
	}
	next, stop := iter.Pull2(rows)
	defer stop()
	w.next, w.z = next, z
	if err := w.pull(); err != nil {
		return nil, err
	}
	var files []RecipientsFile
	line := int64(0)
	for len(files) == 0 || w.more {
		if len(files) == MaxRecipients {
			return nil, fault.New(fault.TooLarge, "more than %d recipients", MaxRecipients*w.partRows)
		}
		f, err := w.file(fmt.Sprintf("recipients-%05d.csv.zst", len(files)), line)
		if err != nil {
			return nil, err
		}
		line += f.Rows
		files = append(files, f)
	}
	return files, nil
}

// file writes a file of recipients; line is how many were before it.
func (w *writer) file(name string, line int64) (RecipientsFile, error) {
	f := RecipientsFile{Name: name}
	r, out := io.Pipe()
	counted := &counter{w: out, sum: sha256.New()}
	written := make(chan error, 1)
	go func() {
		var err error
		f.Rows, err = w.part(counted, line)
		out.CloseWithError(err) // nil: the end
		written <- err
	}()
	info, err := w.objects.Put(w.ctx, Beside(w.manifest, name), r, -1)
	r.CloseWithError(errStopped)
	failed := <-written
	switch {
	case failed != nil && !errors.Is(failed, errStopped):
		return f, failed
	case err != nil:
		return f, fmt.Errorf("writing the file %s: %w", name, err)
	case info.Size != counted.n:
		return f, fault.New(fault.Unavailable, "the object store kept %d octets of %s and not the %d written", info.Size, name, counted.n)
	}
	f.Size, f.SHA256 = counted.n, hex.EncodeToString(counted.sum.Sum(nil))
	return f, nil
}

// errStopped ends the writing of a part whose object cannot be put.
var errStopped = errors.New("the object is not being put any more")

// part writes up to partRows rows and tells how many.
func (w *writer) part(out io.Writer, line int64) (n int64, err error) {
	w.z.Reset(out)
	c := csv.NewWriter(w.z)
	if err := c.Write(w.header); err != nil {
		return 0, err
	}
	record := make([]string, 0, len(w.header))
	for ; n < w.partRows && w.more; n++ {
		if w.row.User == "" || len(w.row.Values) != len(w.header)-1 {
			return n, fault.New(fault.Invalid, "recipient %d has %d values for %d columns, or no user", line+n+1, len(w.row.Values), len(w.header)-1)
		}
		record = append(append(record[:0], w.row.User), w.row.Values...)
		if size := recordSize(record); size > MaxRow {
			return n, fault.New(fault.TooLarge, "recipient %d has %d octets, more than %d", line+n+1, size, MaxRow)
		}
		if err := c.Write(record); err != nil {
			return n, err
		}
		if err := w.pull(); err != nil {
			return n, err
		}
	}
	c.Flush()
	return n, errors.Join(c.Error(), w.z.Close())
}

// recordSize is an upper bound of what a record is as CSV.
func recordSize(record []string) int {
	n := 0
	for _, field := range record {
		n += len(field) + 3
		for i := range len(field) {
			if field[i] == '"' {
				n++
			}
		}
	}
	return n
}

// counter counts and sums what passes.
type counter struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.sum.Write(b[:n])
	c.n += int64(n)
	return n, err
}
