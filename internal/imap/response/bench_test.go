package response_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"inlay.example/inlay/internal/imap/response"
)

// What a client's first look at a mailbox costs the gateway: a thousand short responses.
func BenchmarkCopyFetchFlags(b *testing.B) {
	var in bytes.Buffer
	const n = 1000
	for i := range n {
		fmt.Fprintf(&in, "* %d FETCH (UID %d FLAGS (\\Seen \\Answered $Forwarded))\r\n", i+1, 100000+i)
	}
	benchmarkCopy(b, in.Bytes(), n)
}

// A megabyte in one literal: the relaying of octets alone.
func BenchmarkCopyFetchLiteral(b *testing.B) {
	const size = 1 << 20
	in := fmt.Appendf(nil, "* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n", size, bytes.Repeat([]byte{'x'}, size))
	benchmarkCopy(b, in, 1)
}

// What the gateway asks about a new message, held and taken apart.
func BenchmarkReadFetch(b *testing.B) {
	in := []byte("* 4711 FETCH (UID 815 FLAGS (\\Seen \\Recent $x) BODY[HEADER.FIELDS (X-INLAY-RESERVED)] {2}\r\n\r\n)\r\n")
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	src := bytes.NewReader(in)
	r := response.NewReader(readerFunc(func(p []byte) (int, error) {
		n, err := src.Read(p)
		if err == io.EOF {
			src.Reset(in)
			n, err = src.Read(p)
		}
		return n, err
	}), response.Limits{})
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
		rest, err := r.Rest(1 << 16)
		if err != nil {
			b.Fatal(err)
		}
		if f, err := response.ParseFetch(rest); err != nil || f.UID != 815 {
			b.Fatal(f, err)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func benchmarkCopy(b *testing.B, in []byte, responses int) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	src := bytes.NewReader(in)
	for b.Loop() {
		src.Reset(in)
		r := response.NewReader(src, response.Limits{})
		for range responses {
			if _, err := r.Next(); err != nil {
				b.Fatal(err)
			}
			if _, err := r.CopyFetch(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	}
}
