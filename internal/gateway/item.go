package gateway

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/placement"
)

// objectPrefix begins the ids of injected messages. No server's own ids look like that: they
// are a letter with hexadecimal digits, or digits alone (rfc8474 §4 lets a proxy that makes ids
// see to it that they are nobody else's).
const objectPrefix = "inlay-"

// emailID is EMAILID of an injected message: the same for as long as it lives, in every mailbox
// and for every gateway.
//
//	objectid = 1*255(ALPHA / DIGIT / "_" / "-")      (rfc8474 §7)
func emailID(p *placement.Placement) string { return objectPrefix + "m-" + objectID(string(p.ID)) }

// threadID is THREADID: an injected message answers nothing, and is a thread of its own.
func threadID(p *placement.Placement) string { return objectPrefix + "t-" + objectID(string(p.ID)) }

// objectID keeps what an objectid may consist of, and writes other octets as hexadecimal
// digits. Placements are named by digits alone; nothing but a test names them otherwise.
func objectID(id string) string {
	var b []byte
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-':
			b = append(b, c)
		default:
			b = append(strconv.AppendUint(append(b, '_'), uint64(c), 16), '_')
		}
	}
	return string(b)
}

// saveDate is when an injected message came into the mailbox (rfc8514 §3): when it was claimed,
// whatever date it bears.
func saveDate(p *placement.Placement) time.Time {
	if p.Created.IsZero() {
		return p.InternalDate
	}
	return p.Created.UTC().Truncate(time.Second)
}

// preview is the value of PREVIEW or SNIPPET.
//
//	msg-att-static =/ "PREVIEW" SP nstring                                  (rfc8970 §6)
//	                / "SNIPPET" SP "(" "FUZZY" SP nstring ")"               (a draft of it)
//
// It is always there: a rendered message is read in no time, and LAZY makes no difference.
func preview(it command.FetchItem, msg *message.Message) []byte {
	text := imap.AppendString(nil, msg.Preview())
	if it.Name == "PREVIEW" && !slices.ContainsFunc(it.Modifiers, func(m string) bool { return m != "LAZY" }) {
		return text
	}
	return append(append([]byte("(FUZZY "), text...), ')')
}

// binary writes BINARY[…] or BINARY.SIZE[…] (rfc3516 §4.2).
func (f *fetching) binary(w *attributes, it command.FetchItem, msg *message.Message) {
	name := it.Name[:len(it.Name)-len("[]")] + msg.SectionName(*it.Section)[len("BODY"):]
	if it.Name == "BINARY.SIZE[]" {
		size, err := msg.BinarySize(*it.Section)
		if err == nil {
			w.add(name, strconv.AppendInt(nil, int64(size), 10))
		}
		f.encodingError(err)
		return
	}
	head, data, err := msg.BinaryAnswer(*it.Section)
	if f.encodingError(err) || !w.begin(name) {
		return
	}
	_, _ = w.out.WriteString(head)
	_, _ = w.out.Write(data)
}

// encodingError takes note of an error of BINARY, which the answer to the command will be.
func (f *fetching) encodingError(err error) bool {
	switch {
	case errors.Is(err, message.ErrUnknownEncoding):
		f.refused = "[UNKNOWN-CTE] Unknown Content-Transfer-Encoding" // rfc3516 §4.3
	case err != nil:
		f.refused = "[PARSE] Invalid data in MIME part"
	}
	return err != nil
}
