package deflate

import (
	"errors"
	"io"
)

const (
	readBuffer  = 2 << 10  // octets of compressed input read at once
	firstWindow = 1 << 10  // octets of the window at first; it grows with what was said
	maxWindow   = 32 << 10 // rfc1951 §2: distances reach no farther
	emptyReads  = 100      // in a row, until nothing more is expected
	maxCodeBits = 15       // rfc1951 §3.2.7
	endOfBlock  = 256
)

// errCorrupt is what is no DEFLATE.
var errCorrupt = errors.New("not DEFLATE")

// errLater says that nothing more can be had without waiting, and there is something to give.
var errLater = errors.New("later")

// inflater reads a raw DEFLATE stream (rfc1951). It gives every octet as soon as the bits that
// say it are there, as zlib does, and never waits for more while it has one to give: whichever
// way the peer flushes, it is heard.
//
// Codes are decoded bit by bit, by the counts of their lengths: tables that take several bits
// at once would be faster, and larger than all the rest of an idle session.
type inflater struct {
	src  io.Reader
	err  error // of src, met after what came before it
	buf  []byte
	r, w int   // unread octets of buf
	came int64 // octets read from src

	bits  uint64 // unread bits, the next one lowest
	nbits uint

	window []byte // the last octets that were given; a ring once it has its full size
	given  int64  // octets given: the next goes to given modulo len(window)

	step         func(*inflater, []byte, bool) (int, error)
	final        bool // the block is the last
	left         int  // octets of a stored block, or of a copy
	distance     int  // of the copy
	literals     huffman
	distances    huffman
	literalCodes [288]uint16
	distCodes    [32]uint16
}

func newInflater(src io.Reader) *inflater {
	return &inflater{src: src, buf: make([]byte, readBuffer), window: make([]byte, firstWindow), step: (*inflater).head}
}

// Read gives at least one octet, or an error: errCorrupt, io.EOF behind the last block and
// where src ends, or another one of src.
func (f *inflater) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := f.step(f, b[n:], n > 0)
		n += m
		switch {
		case err == nil:
		case n > 0:
			return n, nil // the error is met again: a step that fails does not go on
		default:
			return 0, err
		}
	}
	return n, nil
}

// fill gets at least one more octet among the bits; some says that something waits to be given.
func (f *inflater) fill(some bool) error {
	for empty := 0; f.r == f.w; empty++ {
		switch {
		case some:
			return errLater
		case f.err != nil:
			return f.err
		case empty == emptyReads:
			return io.ErrNoProgress
		}
		f.r = 0
		f.w, f.err = f.src.Read(f.buf)
		f.came += int64(f.w)
	}
	f.take()
	return nil
}

// take makes bits of what is there: at least 57, if there is that much.
func (f *inflater) take() {
	for f.nbits <= 56 && f.r < f.w {
		f.bits |= uint64(f.buf[f.r]) << f.nbits
		f.r++
		f.nbits += 8
	}
}

// need makes n bits available, at most 57.
func (f *inflater) need(n uint, some bool) error {
	for f.nbits < n {
		if err := f.fill(some); err != nil {
			return err
		}
	}
	return nil
}

// drop consumes n bits, and gives them.
func (f *inflater) drop(n uint) uint64 {
	v := f.bits & (1<<n - 1)
	f.bits >>= n
	f.nbits -= n
	return v
}

// put gives an octet.
func (f *inflater) put(c byte) {
	if f.given == int64(len(f.window)) && len(f.window) < maxWindow {
		f.window = append(make([]byte, 0, 2*len(f.window)), f.window...)
		f.window = f.window[:cap(f.window)]
	}
	f.window[f.given&int64(len(f.window)-1)] = c
	f.given++
}

// head reads the head of a block (rfc1951 §3.2.3).
func (f *inflater) head(_ []byte, some bool) (int, error) {
	if f.final {
		return 0, io.EOF
	}
	if err := f.need(3, some); err != nil {
		return 0, err
	}
	f.final = f.drop(1) == 1
	switch f.drop(2) {
	case 0:
		f.drop(f.nbits % 8) // up to the next octet
		f.step = (*inflater).storedHead
	case 1:
		f.fixed()
		f.step = (*inflater).codes
	case 2:
		f.step = (*inflater).dynamicHead
	default:
		f.step = (*inflater).corrupt
	}
	return 0, nil
}

func (f *inflater) corrupt([]byte, bool) (int, error) { return 0, errCorrupt }

// storedHead reads the length of a block that is not compressed (rfc1951 §3.2.4).
func (f *inflater) storedHead(_ []byte, some bool) (int, error) {
	if err := f.need(32, some); err != nil {
		return 0, err
	}
	length, complement := f.drop(16), f.drop(16)
	if length^0xffff != complement {
		f.step = (*inflater).corrupt
		return 0, nil
	}
	f.left, f.step = int(length), (*inflater).stored
	return 0, nil
}

func (f *inflater) stored(b []byte, some bool) (int, error) {
	if f.left == 0 {
		f.step = (*inflater).head
		return 0, nil
	}
	if err := f.need(8, some); err != nil {
		return 0, err
	}
	n := 0
	for ; n < len(b) && f.left > 0 && f.nbits >= 8; n++ {
		b[n] = byte(f.drop(8))
		f.put(b[n])
		f.left--
		f.take()
	}
	return n, nil
}

// codes reads a block of codes (rfc1951 §3.2.5).
func (f *inflater) codes(b []byte, some bool) (int, error) {
	n := 0
	for n < len(b) {
		if f.left > 0 {
			b[n] = f.window[(f.given-int64(f.distance))&int64(len(f.window)-1)]
			f.put(b[n])
			f.left--
			n++
			continue
		}
		f.take()
		symbol, used, err := f.literals.decode(f.bits, f.nbits)
		switch {
		case err != nil:
			f.step = (*inflater).corrupt
			return n, nil //nolint:nilerr // what is whole comes first, and the next read tells
		case used == 0:
			if err := f.fill(some || n > 0); err != nil {
				return n, err
			}
		case symbol < endOfBlock:
			f.drop(used)
			b[n] = byte(symbol)
			f.put(b[n])
			n++
		case symbol == endOfBlock:
			f.drop(used)
			f.step = (*inflater).head
			return n, nil
		default:
			ok, err := f.match(symbol, used)
			switch {
			case err != nil:
				f.step = (*inflater).corrupt
				return n, nil //nolint:nilerr // as above
			case !ok:
				if err := f.fill(some || n > 0); err != nil {
					return n, err
				}
			}
		}
	}
	return n, nil
}

// Base and number of extra bits of lengths and distances (rfc1951 §3.2.5).
var (
	lengthBase = [...]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits = [...]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase   = [...]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distBits   = [...]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// match reads a length, whose code of used bits was looked at, and its distance: all of it, at
// most 48 bits, or nothing (ok is false) if it is not all there.
func (f *inflater) match(symbol int, used uint) (ok bool, err error) {
	i := symbol - endOfBlock - 1
	if i >= len(lengthBase) {
		return false, errCorrupt
	}
	bits, n := f.bits>>used, f.nbits-used
	extra := uint(lengthBits[i])
	if n < extra {
		return false, nil
	}
	length := int(lengthBase[i]) + int(bits&(1<<extra-1))
	bits, n = bits>>extra, n-extra

	j, used, err := f.distances.decode(bits, n)
	switch {
	case err != nil || used > 0 && j >= len(distBase):
		return false, errCorrupt
	case used == 0:
		return false, nil
	}
	bits, n = bits>>used, n-used
	if extra = uint(distBits[j]); n < extra {
		return false, nil
	}
	distance := int(distBase[j]) + int(bits&(1<<extra-1))
	if int64(distance) > f.given {
		return false, errCorrupt
	}
	f.bits, f.nbits = bits>>extra, n-extra
	f.left, f.distance = length, distance
	return true, nil
}
