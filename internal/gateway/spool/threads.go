package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"inlay.example/inlay/internal/thread"
)

// Threads are the threads of a THREAD response: its parentheses and numbers, and where each
// thread begins.
type Threads struct {
	tokens *Spool
	roots  Numbers // offsets in tokens
	depth  int
	buf    [binary.MaxVarintLen64]byte
}

// NewThreads returns an empty list; its spools are of limit and dir, see New.
func NewThreads(limit int, dir string) *Threads {
	return &Threads{tokens: New(limit, dir), roots: Numbers{New(limit, dir)}}
}

// Close lets go of everything.
func (t *Threads) Close() error { return errors.Join(t.tokens.Close(), t.roots.Spool.Close()) }

// Token is a parenthesis, or a number above 0.
type Token uint64

// The parentheses.
const (
	Open  Token = 0
	Close Token = 1
)

// Number gives the token of a number.
func Number(n uint32) Token { return Token(n) + 1 }

// Value is the number of a token that is one.
func (t Token) Value() uint32 { return uint32(t - 1) }

// Add appends a token. Parentheses that do not match are an error, as is a number outside of any.
func (t *Threads) Add(tok Token) error {
	switch {
	case tok == Open && t.depth == 0:
		if t.tokens.Size() > math.MaxUint32 {
			return fmt.Errorf("threads of more than %d octets", uint32(math.MaxUint32))
		}
		if err := t.roots.Add(uint32(t.tokens.Size())); err != nil {
			return err
		}
		t.depth++
	case tok == Open:
		t.depth++
	case t.depth == 0:
		return ErrThreads
	case tok == Close:
		t.depth--
	}
	_, err := t.tokens.Write(binary.AppendUvarint(t.buf[:0], uint64(tok)))
	return err
}

// ErrThreads is the error of what is no list of threads.
var ErrThreads = errors.New("numbers and parentheses that are no threads")

// Done reports whether all threads are complete.
func (t *Threads) Done() bool { return t.depth == 0 }

// Len is how many threads there are.
func (t *Threads) Len() int { return t.roots.Len() }

// Thread gives the thread at index i as a tree, if it is of at most limit messages; a thread of
// more, or without any, is ErrThreads.
func (t *Threads) Thread(i, limit int) (*thread.Node, error) {
	off, err := t.roots.At(i)
	if err != nil {
		return nil, err
	}
	return tree(t.tokens.From(int64(off)), limit)
}

// Tokens gives the tokens of all threads with the index of their thread, until use says false.
func (t *Threads) Tokens(use func(i int, tok Token) (bool, error)) error {
	r := t.tokens.From(0)
	for i, depth := 0, 0; ; {
		n, err := binary.ReadUvarint(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading threads: %w", err)
		}
		if more, err := use(i, Token(n)); err != nil || !more {
			return err
		}
		switch Token(n) {
		case Open:
			depth++
		case Close:
			if depth--; depth == 0 {
				i++
			}
		}
	}
}

// tree reads one thread.
//
//	thread-list    = "(" (thread-members / thread-nested) ")"
//	thread-members = nz-number *(SP nz-number) [SP thread-nested]
//	thread-nested  = 2*thread-list
func tree(r *bufio.Reader, limit int) (*thread.Node, error) {
	root := &thread.Node{}
	open := []*thread.Node{} // what a parenthesis hangs below
	at, count := root, 0
	for {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return nil, fmt.Errorf("reading a thread: %w", err)
		}
		switch Token(n) {
		case Open:
			open = append(open, at)
			continue
		case Close:
			at, open = open[len(open)-1], open[:len(open)-1]
			if len(open) > 0 {
				continue
			}
			if count == 0 {
				return nil, ErrThreads
			}
			return promoted(root), nil
		}
		if count++; count > limit {
			return nil, ErrThreads
		}
		next := &thread.Node{Num: Token(n).Value()}
		at.Children = append(at.Children, next)
		at = next
	}
}

// promoted gives the first message of a thread, if it has one.
func promoted(root *thread.Node) *thread.Node {
	if len(root.Children) == 1 {
		return root.Children[0]
	}
	return root
}
