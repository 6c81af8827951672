package bundle

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines cuts a text into physical lines and records of several lines, within MaxRow octets.
type lines struct {
	r *bufio.Reader // of MaxRow octets, so that a whole record can be looked at
	n int64         // lines taken
}

var bom = []byte("\xef\xbb\xbf")

// skipBOM passes over the mark that some programs put before UTF-8.
func (l *lines) skipBOM() error {
	b, err := l.r.Peek(len(bom))
	if bytes.Equal(b, bom) {
		_, err = l.r.Discard(len(bom))
		return err
	}
	return ignoreEOF(err)
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// errTooLong tells that a line is longer than MaxRow; it has been passed over.
var errTooLong = errors.New("the line is too long")

// peek returns what the buffer holds, after trying to have at least n octets in it. At the end
// of the text it has fewer.
func (l *lines) peek(n int) ([]byte, error) {
	_, err := l.r.Peek(min(n, MaxRow))
	b, _ := l.r.Peek(l.r.Buffered())
	if len(b) > 0 {
		err = ignoreEOF(err)
	}
	return b, err
}

// verdict is what a form says of the lines that it has been shown.
type verdict int

const (
	goOn   verdict = iota // the record is not complete
	accept                // it is
	reject                // it never will be
)

// record takes the physical lines that make a record. add is shown each line together with
// everything from the beginning of the record to the end of that line. When it rejects, or
// there is no complete record within MaxRow octets or before the end, the first line alone is
// taken, and whole is false. The slice holds until the next call.
func (l *lines) record(add func(record, line []byte) verdict) (record []byte, whole bool, err error) {
	first, end := 0, 0 // octets of the first line; of what was looked at
	for want := 1; ; {
		b, err := l.peek(want)
		if err != nil {
			return nil, false, err
		}
		last := len(b) < want // the text ends here
		for end < len(b) {
			start := end
			if i := bytes.IndexByte(b[end:], '\n'); i >= 0 {
				end += i + 1
			} else if last {
				end = len(b)
			} else {
				break
			}
			if first == 0 {
				first = end
			}
			switch add(b[:end], b[start:end]) {
			case goOn:
				continue
			case accept:
				return l.discard(b[:end], true)
			case reject:
				return l.discard(b[:first], false)
			}
		}
		switch {
		case last, len(b) == MaxRow && first > 0:
			return l.discard(b[:first], false)
		case len(b) == MaxRow:
			return nil, false, l.skipLine()
		}
		want = len(b) + 1
	}
}

func (l *lines) discard(record []byte, whole bool) ([]byte, bool, error) {
	l.n += int64(bytes.Count(record, []byte{'\n'}))
	if record[len(record)-1] != '\n' {
		l.n++
	}
	_, err := l.r.Discard(len(record))
	return record, whole, err
}

// skipLine passes over a line that does not fit.
func (l *lines) skipLine() error {
	l.n++
	for {
		_, err := l.r.ReadSlice('\n')
		switch {
		case err == nil, errors.Is(err, io.EOF):
			return errTooLong
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

func trimEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}
