package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// source is an object of the bundle while it is read: counted, summed, and given up with ctx.
type source struct {
	ctx  context.Context //nolint:containedctx // lives as long as one file is read
	name string
	r    io.ReadCloser
	sum  hash.Hash
	n    int64
}

// open opens a file beside the manifest; its size is compared before anything is read.
func (i *Importer) open(ctx context.Context, manifest object.Key, f bundle.File) (*source, error) {
	r, info, err := i.objects.Get(ctx, bundle.Beside(manifest, f.Name), 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f.Name, err)
	}
	if info.Size != f.Size {
		r.Close()
		return nil, fault.New(fault.Invalid, "%s has %d octets, the manifest says %d", f.Name, info.Size, f.Size)
	}
	return &source{ctx: ctx, name: f.Name, r: r, sum: sha256.New()}, nil
}

// Read implements io.Reader.
func (s *source) Read(b []byte) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "%s: reading was ended", s.name)
	}
	n, err := s.r.Read(b)
	s.n += int64(n)
	s.sum.Write(b[:n])
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	var classified *fault.Error
	if !errors.As(err, &classified) {
		err = fault.Wrap(fault.Unavailable, err, "%s cannot be read", s.name)
	}
	return n, err
}

// verify reads what is left and compares size and sum.
func (s *source) verify(f bundle.File) error {
	if _, err := io.Copy(io.Discard, s); err != nil {
		return err
	}
	if s.n != f.Size {
		return fault.New(fault.Invalid, "%s has %d octets, the manifest says %d", f.Name, s.n, f.Size)
	}
	if got := hex.EncodeToString(s.sum.Sum(nil)); got != f.SHA256 {
		return fault.New(fault.Invalid, "%s has the SHA-256 %s, the manifest says %s", f.Name, got, f.SHA256)
	}
	return nil
}

func (s *source) close() { _ = s.r.Close() } // it was only read
