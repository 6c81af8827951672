package importer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/store"
)

// Blocks of rows are sorted and written together; they end with either.
const (
	blockRows = 16_384  // unless configured
	blockSize = 8 << 20 // octets of names and values, roughly
)

const (
	checkpoint = 2 * time.Second // from one note of the progress to the next
	maxBroken  = 1000            // rows that one broken record can look like
)

// intake reads the files of recipients of one job.
type intake struct {
	*Importer
	r        *record
	p        *progress
	m        *bundle.Manifest
	required []message.Variable // must have a value for everybody

	block []store.AssignmentRow
	size  int
	saved time.Time

	errors *errorFile // of the current file, when it has any
	line   int64      // of the current file, that was handled last
	read   int64      // rows of the current file
	bad    int64      // of them rejected
	broken int64      // of them unreadable
}

// all reads all files from where the job was.
func (in *intake) all(ctx context.Context) error {
	in.saved = in.now()
	in.p.set(func(p *progress) {
		p.rows, p.from, p.since = in.r.Done, in.r.Done.Read, in.saved
	})
	for in.r.Files < len(in.m.Recipients) {
		f := in.m.Recipients[in.r.Files]
		if err := in.file(ctx, f); err != nil {
			in.note()
			return err
		}
		in.note()
		in.r.Files++
		in.r.Done = in.r.Rows
		in.r.Line += in.line
		in.r.Written = 0
		if err := in.save(ctx, in.r); err != nil {
			return err
		}
	}
	return nil
}

// note puts what was found so far into the record, for good.
func (in *intake) note() {
	in.p.set(func(p *progress) {
		in.r.Rows, in.r.Rejected, in.r.ErrorFiles = p.rows, p.rejected, p.errorFiles
	})
}

// file reads one file and writes its rows.
func (in *intake) file(ctx context.Context, f bundle.RecipientsFile) (err error) {
	in.errors, in.line, in.read, in.bad, in.broken = nil, 0, 0, 0, 0
	in.p.set(func(p *progress) {
		p.file, p.rows = f.Name, in.r.Done
		p.rejected, p.errorFiles = slices.Clone(in.r.Rejected), slices.Clone(in.r.ErrorFiles)
	})
	in.r.File = f.Name
	asFile := bundle.File{Name: f.Name, Size: f.Size, SHA256: f.SHA256}
	src, err := in.open(ctx, in.r.Manifest, asFile)
	if err != nil {
		return err
	}
	defer src.close()
	defer func() {
		if in.errors != nil {
			err = errors.Join(err, in.errors.end())
		}
	}()
	if err := in.rows(ctx, f, src); err != nil {
		// A file that is damaged is better reported by its sum than by what it looks like.
		if fault.Is(err, fault.Invalid) {
			if wrong := src.verify(asFile); wrong != nil {
				return wrong
			}
		}
		return err
	}
	if err := in.flush(ctx); err != nil {
		return err
	}
	if err := src.verify(asFile); err != nil {
		return err
	}
	if in.read != f.Rows && in.broken == 0 {
		return fault.New(fault.Invalid, "%s has %d rows, the manifest says %d", f.Name, in.read, f.Rows)
	}
	return nil
}

func (in *intake) rows(ctx context.Context, f bundle.RecipientsFile, src io.Reader) error {
	reader, err := bundle.NewReader(f.Name, src)
	if err != nil {
		return err
	}
	defer reader.Close()
	if columns := reader.Columns(); columns != nil {
		if err := in.checkColumns(f.Name, columns); err != nil {
			return err
		}
	}
	for {
		row, err := reader.Next()
		var unreadable *bundle.RowError
		switch {
		case errors.Is(err, io.EOF):
			in.line = reader.Line()
			in.count()
			return nil
		case errors.As(err, &unreadable):
			in.broken++
			err = in.reject(ctx, f.Name, unreadable.Line, unreadable.Reason)
		case err == nil:
			err = in.take(ctx, f.Name, row)
		}
		if err != nil {
			return err
		}
		if in.read++; in.read > f.Rows+in.broken*maxBroken {
			return fault.New(fault.Invalid, "%s has more than the %d rows that the manifest says", f.Name, f.Rows)
		}
		if in.read%1024 == 0 {
			in.count()
			if err := in.beat(ctx); err != nil {
				return err
			}
		}
	}
}

// count shows how far the current file was read.
func (in *intake) count() {
	in.p.set(func(p *progress) {
		p.rows = Rows{Total: in.r.Done.Total, Read: in.r.Done.Read + in.read, Rejected: in.r.Done.Rejected + in.bad}
	})
}

// checkColumns makes sure that whatever the template needs is there.
func (in *intake) checkColumns(name string, columns []string) error {
	var missing []string
	for _, v := range in.required {
		if !slices.Contains(columns, v.Name) {
			missing = append(missing, fmt.Sprintf("%q (%s, line %d)", v.Name, v.Where, v.Line))
		}
	}
	if len(missing) > 0 {
		return fault.New(fault.Invalid, "%s lacks columns that the template asks for without a default: %s; its columns are: %s",
			name, strings.Join(missing, ", "), strings.Join(columns, ", "))
	}
	return nil
}

// take judges a row and puts it into the block.
func (in *intake) take(ctx context.Context, name string, row bundle.Recipient) error {
	user, err := in.normalise(row.User)
	if err != nil {
		if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
			return err
		}
		return in.reject(ctx, name, row.Line, fault.Public(err))
	}
	size, reason := in.judge(row.Variables)
	if reason != "" {
		return in.reject(ctx, name, row.Line, reason)
	}
	if in.line = row.Line; row.Line <= in.r.Written {
		return nil // by a run that was interrupted
	}
	in.block = append(in.block, store.AssignmentRow{User: user, Line: in.r.Line + row.Line, Variables: row.Variables})
	in.size += size + len(user)
	if len(in.block) < in.cfg.BlockRows && in.size < blockSize {
		return nil
	}
	return in.flush(ctx)
}

// judge tells what is wrong with the variables of a row, or how large they are.
func (in *intake) judge(vars map[string]string) (size int, reason string) {
	for name, value := range vars {
		if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return 0, fmt.Sprintf("the value of %s has characters that are not allowed", name)
		}
		size += len(name) + len(value) + 6
	}
	for _, v := range in.required {
		if _, ok := vars[v.Name]; !ok {
			return 0, fmt.Sprintf("there is no %q, which the template asks for without a default", v.Name)
		}
	}
	if size > store.MaxVariables/6 { // JSON may write an octet as \u0000
		body, err := json.Marshal(vars)
		if err != nil || len(body) > store.MaxVariables {
			return 0, fmt.Sprintf("the variables have %d octets as JSON, more than %d", len(body), store.MaxVariables)
		}
	}
	return size, ""
}

// reject lists a row that is not taken, and stops when there are too many.
func (in *intake) reject(ctx context.Context, name string, line int64, reason string) error {
	row := RejectedRow{File: name, Line: line, Reason: reason}
	first := in.errors == nil
	if first {
		in.errors = in.newErrorFile(ctx, in.r.Manifest, in.r.ID, name)
	}
	in.errors.add(row)
	in.bad++
	var shown RejectedRow
	in.p.set(func(p *progress) {
		if first {
			p.errorFiles = append(p.errorFiles, in.errors.key)
		}
		if len(p.rejected) < MaxShown {
			p.rejected = append(p.rejected, row)
		}
		shown = p.rejected[0]
	})
	const exact = 1 + 1e-9 // 29 of 100 are not more than 0.29, which is a little less as a float
	if bad := in.r.Done.Rejected + in.bad; float64(bad) > in.cfg.ErrorRatio*float64(in.m.Rows())*exact {
		in.read++
		in.count()
		return fault.New(fault.Invalid, "%d of %d rows were rejected, more than %g %%: the first is line %d of %s: %s",
			bad, in.m.Rows(), in.cfg.ErrorRatio*100, shown.Line, shown.File, shown.Reason)
	}
	return nil
}

// flush writes the block, by user: neighbours in the order of an engine's keys.
func (in *intake) flush(ctx context.Context) error {
	slices.SortFunc(in.block, func(a, b store.AssignmentRow) int {
		return cmp.Or(strings.Compare(a.User, b.User), cmp.Compare(a.Line, b.Line))
	})
	for batch := range slices.Chunk(in.block, store.MaxBatch) {
		if err := in.keyspace.WriteAssignments(ctx, in.m.Campaign, in.m.Version, in.m.End, batch); err != nil {
			return fmt.Errorf("writing rows of %s: %w", in.r.File, err)
		}
	}
	clear(in.block) // lets the rows go
	in.block, in.size = in.block[:0], 0
	in.count()
	in.r.Written = max(in.r.Written, in.line)
	in.p.set(func(p *progress) { p.troubled = time.Time{} })
	return in.beat(ctx)
}

// beat notes the progress now and then, which also says that somebody is at work.
func (in *intake) beat(ctx context.Context) error {
	if in.now().Sub(in.saved) < checkpoint {
		return nil
	}
	in.saved = in.now()
	shown := *in.r // rejected rows are listed again after a crash, so they are noted at the end of a file only
	in.p.set(func(p *progress) { shown.Rows = p.rows })
	if err := in.save(ctx, &shown); err != nil {
		return err
	}
	in.r.rev = shown.rev
	return nil
}
