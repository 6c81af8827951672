package response

import (
	"bytes"
	"fmt"
	"io"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// FetchFacts is what CopyFetch noted on the way.
type FetchFacts struct {
	UID      imap.UID // 0 if the response did not tell it
	Flags    []string // at most 256
	HasFlags bool
}

const maxFlagsNoted = 256

// CopyFetch streams the remainder of a FETCH to w and notes its UID and FLAGS, holding nothing
// else. A UID that is none, or parentheses that do not match, is fault.Invalid; by then what
// came before was written.
//
//	msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
func (r *Reader) CopyFetch(w io.Writer) (FetchFacts, error) {
	var n fetchNotes
	for {
		t, err := r.Token()
		if err != nil {
			return n.facts, err
		}
		if _, err := w.Write(t.Raw); err != nil {
			return n.facts, fmt.Errorf("relaying a response: %w", err)
		}
		if err := n.note(t); err != nil || t.Kind == wire.CRLF {
			return n.facts, err
		}
	}
}

// fetchNotes follows the tokens of a FETCH: items at depth 1, each a name and a value.
type fetchNotes struct {
	facts   FetchFacts
	depth   int    // parentheses, but for those of a section
	section bool   // within the brackets of a name: BODY[HEADER.FIELDS (TO)]
	value   bool   // at depth 1: a value is expected, or being read, not a name
	name    []byte // of the item, in upper case
	some    bool   // a word has begun
	word    []byte // its octets, so far as it is an atom
}

func (n *fetchNotes) note(t wire.Token) error {
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
		if n.depth == 2 && string(n.name) == "FLAGS" {
			n.facts.Flags = nil
		}
		return err
	case wire.Close:
		err := n.endWord()
		if n.depth--; n.depth < 0 {
			return errUnbalanced
		}
		if n.depth == 1 {
			n.facts.HasFlags = n.facts.HasFlags || string(n.name) == "FLAGS"
			n.value = false
		}
		return err
	case wire.CRLF:
		if n.depth != 0 {
			return errUnbalanced
		}
	case wire.OpenBracket:
		if n.depth == 1 && !n.value {
			n.some, n.section = true, true
			return nil
		}
		n.add(t.Raw)
	case wire.Atom, wire.CloseBracket, wire.Stray:
		n.add(t.Raw)
	case wire.Quoted, wire.LiteralHead, wire.LiteralData, wire.Text:
		n.some = true
	}
	return nil
}

var errUnbalanced = invalid("FETCH with unbalanced parentheses")

func (n *fetchNotes) add(b []byte) {
	n.some = true
	if len(n.word) <= maxWord {
		n.word = append(n.word, b...)
	}
}

// endWord takes the word that ends here, if there is one.
func (n *fetchNotes) endWord() error {
	if !n.some {
		return nil
	}
	word := n.word
	n.some, n.word = false, n.word[:0]
	switch {
	case n.depth == 1 && !n.value:
		n.name = append(n.name[:0], bytes.ToUpper(word)...)
		n.value = true
	case n.depth == 1:
		n.value = false
		if string(n.name) == "UID" {
			uid, err := number(string(word))
			if err != nil || uid == 0 {
				return invalid("FETCH with UID %q", clip(word))
			}
			n.facts.UID = imap.UID(uid)
		}
	case n.depth == 2 && string(n.name) == "FLAGS" && len(n.facts.Flags) < maxFlagsNoted:
		n.facts.Flags = append(n.facts.Flags, string(word))
	}
	return nil
}
