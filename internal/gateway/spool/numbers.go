package spool

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"iter"
)

// Numbers is a list of numbers in a Spool, four octets each.
type Numbers struct {
	Spool *Spool
}

// Len is how many there are.
func (n Numbers) Len() int { return int(n.Spool.Size() / 4) }

// Add appends one.
func (n Numbers) Add(v uint32) error {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	_, err := n.Spool.Write(b[:])
	return err
}

// At gives the one at index i, which must be less than Len.
func (n Numbers) At(i int) (uint32, error) {
	var b [4]byte
	if _, err := n.Spool.ReadAt(b[:], int64(i)*4); err != nil {
		return 0, fmt.Errorf("reading number %d of %d: %w", i, n.Len(), err)
	}
	return binary.LittleEndian.Uint32(b[:]), nil
}

// All gives them with their index. It ends at an error, which is given with it.
func (n Numbers) All() iter.Seq2[uint32, error] {
	return func(yield func(uint32, error) bool) {
		var r *bufio.Reader
		for i := range n.Len() {
			if r == nil {
				r = n.Spool.From(0)
			}
			b, err := r.Peek(4)
			if err != nil {
				yield(0, fmt.Errorf("reading number %d of %d: %w", i, n.Len(), err))
				return
			}
			v := binary.LittleEndian.Uint32(b)
			if !yield(v, nil) {
				return
			}
			_, _ = r.Discard(4)
		}
	}
}
