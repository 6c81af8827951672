package response

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// CopyFetchModSeq is CopyFetch that gives modSeq the message's mod-sequence before it is
// written, and leaves the item out if modSeq says so. A response of which then nothing is left
// but a UID is not written at all.
//
// What is held is an item's name, the item MODSEQ, and a UID that comes before everything else.
//
//	msg-att-dynamic =/ "MODSEQ" SP "(" permsg-modsequence ")"      (rfc7162 §7)
func (r *Reader) CopyFetchModSeq(w io.Writer, modSeq func(uint64) (tell bool, err error)) (imap.UID, error) {
	c := modCopy{w: w, modSeq: modSeq}
	for {
		t, err := r.Token()
		if err != nil {
			return c.note.uid, err
		}
		if err := c.token(t); err != nil || t.Kind == wire.CRLF {
			return c.note.uid, err
		}
	}
}

// modCopy follows the tokens of a FETCH, and holds what it may have to leave out.
type modCopy struct {
	w      io.Writer
	modSeq func(uint64) (bool, error)
	note   uidNote
	held   []byte
	cut    int  // of held: where the item begins, with the space before it
	open   bool // something but a UID was written
	inMod  bool // the item MODSEQ is held
	trim   bool // the item behind the parenthesis was left out: so is the space behind it
	left   bool // an item was left out
}

// maxModSeq bounds the octets of the item MODSEQ.
const maxModSeq = 256

func (c *modCopy) token(t wire.Token) error {
	n := &c.note
	before := len(c.held)
	if c.trim && t.Kind == wire.Space {
		c.trim = false
	} else {
		c.held = append(c.held, t.Raw...)
	}
	naming := !n.value
	if err := n.note(t); err != nil {
		return err
	}
	switch {
	case t.Kind == wire.CRLF:
		if !c.open && c.left {
			return nil
		}
		return c.flush()
	case c.inMod && t.Kind == wire.Close && n.depth == 1:
		return c.item()
	case c.inMod:
		if len(c.held)-c.cut > maxModSeq || n.depth <= 1 && !n.value {
			return errModSeq
		}
		return nil
	case n.depth == 0 && !c.open: // a UID at most
		return nil
	case n.depth != 1 || n.section: // in a list, in the name of a part, or at the end
	case naming && n.value: // a name has ended
		if c.inMod = n.isMod; n.isMod || n.isUID && !c.open {
			return nil
		}
	case !n.value: // an item begins, or its name goes on
		switch t.Kind {
		case wire.Space:
			c.cut = before
		case wire.Open, wire.Close:
			c.cut = len(c.held)
		}
		return nil
	case n.isUID && !c.open:
		return nil
	}
	c.open = true
	return c.flush()
}

// item decides of the item MODSEQ, which is whole.
func (c *modCopy) item() error {
	c.inMod = false
	raw := c.held[c.cut:]
	lo, hi := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	n, err := strconv.ParseUint(string(bytes.TrimSpace(raw[lo+1:hi])), 10, 63)
	if err != nil {
		return errModSeq
	}
	tell, err := c.modSeq(n)
	if err != nil {
		return err
	}
	if tell {
		c.open = true
		return c.flush()
	}
	c.left = true
	c.trim = raw[0] != ' '
	c.held = c.held[:c.cut]
	return nil
}

func (c *modCopy) flush() error {
	if len(c.held) > 0 {
		if _, err := c.w.Write(c.held); err != nil {
			return fmt.Errorf("relaying a response: %w", err)
		}
	}
	c.held, c.cut = c.held[:0], 0
	return nil
}

var errModSeq = invalid("FETCH with a MODSEQ that is no number of 63 bits in parentheses")
