package spool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// Limit is how much a Spool keeps in memory, in octets: 65,536 numbers.
const Limit = 256 << 10

const bufferSize = 32 << 10

// Spool is written from its beginning to its end, and then read in any order.
type Spool struct {
	limit int
	dir   string
	mem   []byte
	file  *os.File
	w     *bufio.Writer
	spilt int64 // octets in the file
}

// New returns an empty Spool that keeps limit octets in memory and further ones in a file in
// dir, empty for the system's directory for temporary files. Nothing is opened before that.
func New(limit int, dir string) *Spool { return &Spool{limit: limit, dir: dir} }

// Size is how many octets were written.
func (s *Spool) Size() int64 { return int64(len(s.mem)) + s.spilt }

// Write appends. It fails if the file cannot be made or written.
func (s *Spool) Write(p []byte) (int, error) {
	n := min(len(p), s.limit-len(s.mem))
	s.mem = append(s.mem, p[:n]...)
	if n == len(p) {
		return n, nil
	}
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "inlay-*")
		if err != nil {
			return n, fmt.Errorf("making a file for an answer that is too large for memory: %w", err)
		}
		s.file, s.w = f, bufio.NewWriterSize(f, bufferSize)
		if err := os.Remove(f.Name()); err != nil {
			return n, fmt.Errorf("taking the name off the file of an answer: %w", err)
		}
	}
	m, err := s.w.Write(p[n:])
	s.spilt += int64(m)
	if err != nil {
		return n + m, fmt.Errorf("writing an answer to its file: %w", err)
	}
	return n + m, nil
}

// ReadAt reads as io.ReaderAt does.
func (s *Spool) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off < int64(len(s.mem)) {
		n = copy(p, s.mem[off:])
		off += int64(n)
	}
	if n == len(p) {
		return n, nil
	}
	if s.file == nil {
		return n, io.EOF
	}
	if err := s.w.Flush(); err != nil {
		return n, fmt.Errorf("writing an answer to its file: %w", err)
	}
	m, err := s.file.ReadAt(p[n:], off-int64(len(s.mem)))
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("reading an answer from its file: %w", err)
	}
	return n + m, err
}

// From gives what was written, from off on, buffered.
func (s *Spool) From(off int64) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(s, off, s.Size()-off), min(bufferSize, int(max(s.Size()-off, 16))))
}

// Close lets go of everything. A Spool may be closed twice.
func (s *Spool) Close() error {
	f := s.file
	s.mem, s.file, s.spilt = nil, nil, 0
	if f == nil {
		return nil
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("closing the file of an answer: %w", err)
	}
	return nil
}
