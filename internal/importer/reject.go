package importer

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// errorFile is the object that lists the rejected rows of one file: CSV with line and reason.
// It is put while the file is read, and appears when that ends, however it ends; an import that
// is interrupted reads the file again and lists them again.
type errorFile struct {
	key  object.Key
	name string // of the file whose rows it lists
	pipe *io.PipeWriter
	csv  *csv.Writer
	put  chan error
}

func errorFileKey(manifest object.Key, job, name string) object.Key {
	return bundle.Beside(manifest, job+"-errors/"+name+".csv")
}

func (i *Importer) newErrorFile(ctx context.Context, manifest object.Key, job, name string) *errorFile {
	r, w := io.Pipe()
	f := &errorFile{key: errorFileKey(manifest, job, name), name: name, pipe: w, csv: csv.NewWriter(w), put: make(chan error, 1)}
	go func() {
		_, err := i.objects.Put(ctx, f.key, r, -1)
		r.CloseWithError(errNotPut) // also when Put did not read to the end
		f.put <- err
	}()
	return f
}

var errNotPut = errors.New("the object is not being put any more")

// add lists a row. An error is noticed by end.
func (f *errorFile) add(row RejectedRow) {
	_ = f.csv.Write([]string{strconv.FormatInt(row.Line, 10), row.Reason})
}

// end completes the object and says what became of it.
func (f *errorFile) end() error {
	f.csv.Flush()
	f.pipe.CloseWithError(f.csv.Error()) // nil: the end
	err := <-f.put
	if err == nil {
		err = fault.Wrap(fault.Unavailable, f.csv.Error(), "it was not taken to its end")
	}
	if err != nil {
		return fmt.Errorf("listing the rejected rows of %s: %w", f.name, err)
	}
	return nil
}
