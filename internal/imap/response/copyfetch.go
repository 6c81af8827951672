package response

import (
	"fmt"
	"io"
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// CopyFetch streams the remainder of a FETCH to w, holding nothing of it, and gives the UID that
// it told; 0 if it told none. A UID that is none, or parentheses that do not match, is
// fault.Invalid; by then what came before was written.
//
//	msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
func (r *Reader) CopyFetch(w io.Writer) (imap.UID, error) {
	var n uidNote
	for {
		t, err := r.Token()
		if err != nil {
			return n.uid, err
		}
		if _, err := w.Write(t.Raw); err != nil {
			return n.uid, fmt.Errorf("relaying a response: %w", err)
		}
		if err := n.note(t); err != nil || t.Kind == wire.CRLF {
			return n.uid, err
		}
	}
}

// uidNote follows the tokens of a FETCH: items at depth 1, each a name and a value.
type uidNote struct {
	uid     imap.UID
	depth   int  // parentheses, but for those of a section
	section bool // within the brackets of a name: BODY[HEADER.FIELDS (TO)]
	value   bool // at depth 1: a value is expected, or being read, not a name
	isUID   bool // the name was UID
	isMod   bool // the name was MODSEQ
	some    bool // a word has begun at depth 1
	word    [noted]byte
	n       int // octets of word; noted, if there are more
}

const noted = 16 // octets: "UID" and "4294967295" fit, and what does not fit is neither

func (n *uidNote) note(t wire.Token) error {
	if n.section && t.Kind != wire.CRLF {
		n.section = t.Kind != wire.CloseBracket
		return nil
	}
	switch t.Kind {
	case wire.Space:
		return n.endWord()
	case wire.Open:
		err := n.endWord()
		n.depth++
		return err
	case wire.Close:
		err := n.endWord()
		if n.depth--; n.depth < 0 {
			return errUnbalanced
		}
		n.value = false // a list is a value; within one it does not matter
		return err
	case wire.CRLF:
		if n.depth != 0 {
			return errUnbalanced
		}
	case wire.OpenBracket:
		n.section = n.depth == 1 && !n.value
		n.add(t.Raw)
	case wire.Atom, wire.CloseBracket, wire.Stray:
		n.add(t.Raw)
	case wire.Quoted, wire.LiteralHead, wire.LiteralData, wire.Text:
		n.some = true
	}
	return nil
}

var errUnbalanced = invalid("FETCH with unbalanced parentheses")

func (n *uidNote) add(b []byte) {
	n.some = true
	n.n += copy(n.word[n.n:], b)
}

// endWord takes the word that ends here, if there is one.
func (n *uidNote) endWord() error {
	if !n.some {
		return nil
	}
	word := string(n.word[:n.n])
	n.some, n.n = false, 0
	switch {
	case n.depth != 1:
	case !n.value:
		n.isUID = strings.EqualFold(word, "UID")
		n.isMod = strings.EqualFold(word, "MODSEQ")
		n.value = true
	default:
		n.value = false
		if n.isUID {
			uid, err := number(word)
			if err != nil || uid == 0 {
				return invalid("FETCH with UID %q", word)
			}
			n.uid = imap.UID(uid)
		}
	}
	return nil
}
