package reserve

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"inlay.example/inlay/internal/imap"
)

// Header is the field that makes a message a marker; its value is the claim's token.
const Header = "X-Inlay-Reserved"

// Keyword is set on markers so that they are found quickly.
const Keyword = "$InlayReserved"

// Conn is the user's connection with the mailbox selected, no other command in progress.
// Its errors are those of the connection, after which it cannot be used.
type Conn interface {
	// Mailbox tells whose the connection is, as they log in, and the mailbox's name, in UTF-8.
	Mailbox() (user, mailbox string)
	// Append stores marker messages, in one command where the backend has MULTIAPPEND, else
	// one after the other. It returns the UIDs that were given; fewer than asked for when the
	// backend said NO (which is then in refused), and the mailbox's UIDVALIDITY.
	Append(msgs [][]byte, flags []string) (validity uint32, uids []imap.UID, refused string, err error)
	// Expunge runs UID EXPUNGE.
	Expunge(uids imap.Set) error
	// Flag adds flags to messages by UID.
	Flag(uids imap.Set, flags []string) error
	// Look hears what is new and identifies it; called again, it hears all there is.
	Look() error
	// Present reports whether the backend's list, as far as it was told, holds a marker with
	// this UID: false only after its EXPUNGE was seen.
	Present(uid imap.UID) bool
}

// Why a reservation failed although the connection is sound.
var (
	ErrRefused  = errors.New("the backend refuses the marker")
	ErrKept     = errors.New("the marker could not be expunged")
	ErrValidity = errors.New("the mailbox is another one by now")
)

// Reserver makes the backend skip UIDs, and count up mod-sequences. It is safe for concurrent
// use, on connections of their own.
type Reserver interface {
	// Reserve burns one UID for each token. The UIDs come in the order of the tokens; an entry
	// of 0 is a token that got none. A UID is only returned when the backend can no longer give
	// it to a message. HIGHESTMODSEQ, where the mailbox has one, is higher afterwards. err is
	// ErrRefused, ErrKept or ErrValidity (wrapped) when some were not burnt, anything else is of
	// the connection. step hears of the steps as they are reached.
	Reserve(ctx context.Context, conn Conn, validity uint32, tokens []string, step func(Step)) ([]imap.UID, error)
	// Raise makes HIGHESTMODSEQ higher than anybody was told before. It returns the UIDs that
	// were burnt for that, if any. Errors are those of Reserve; after ErrKept it is raised.
	Raise(ctx context.Context, conn Conn, validity uint32, token string) ([]imap.UID, error)
	// Marks reports whether what it does leaves Keyword among the flags of the mailbox, by which
	// a mailbox that holds injected messages is known.
	Marks() bool
}

// Step names a point of a reservation, for tests that stop there.
type Step string

// The steps of Reserve, in order.
const (
	Appended Step = "appended" // markers are in the mailbox
	Expunged Step = "expunged" // markers are gone
)

// Marker reserves by appending and expunging a message.
type Marker struct{}

var markerFlags = []string{`\Seen`, `\Deleted`, Keyword}

// message is a marker's text: small, and telling whoever finds it what it is.
func message(token string) []byte {
	return fmt.Appendf(nil, "%s: %s\r\nSubject: reserved\r\n\r\nThis message keeps a place for a moment and removes itself. It may be deleted.\r\n", Header, token)
}

// Raise implements Reserver: a marker comes and goes, and both are counted. The token is of no
// claim: whoever finds the marker may expunge it, and it has done its work.
func (r Marker) Raise(ctx context.Context, conn Conn, validity uint32, token string) ([]imap.UID, error) {
	return r.Reserve(ctx, conn, validity, []string{token}, func(Step) {})
}

// Marks implements Reserver.
func (Marker) Marks() bool { return true }

// Reserve implements Reserver. It asks nothing but the connection, whose deadlines hold.
func (Marker) Reserve(_ context.Context, conn Conn, validity uint32, tokens []string, step func(Step)) ([]imap.UID, error) {
	msgs := make([][]byte, len(tokens))
	for i, t := range tokens {
		msgs[i] = message(t)
	}
	got, uids, refused, err := conn.Append(msgs, markerFlags)
	if err != nil {
		return nil, err
	}
	step(Appended)
	result := make([]imap.UID, len(tokens))
	if len(uids) == 0 {
		return result, fmt.Errorf("%w: %s", ErrRefused, refused)
	}
	set := setOf(uids)
	if got != validity {
		// Appended to a mailbox that took this one's name. Nothing to hide there: this
		// session does not see it, and whoever does finds it by its header.
		return result, ErrValidity
	}
	// The marker must be known before it is expunged, or its EXPUNGE could not be told from
	// another one's. What is not there after a second look was expunged by somebody else.
	for range 2 {
		if err := conn.Look(); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(uids, func(u imap.UID) bool { return !conn.Present(u) }) {
			break
		}
	}
	for range 2 {
		if err := conn.Expunge(set); err != nil {
			return nil, err
		}
		left := imap.Set{}
		for _, u := range uids {
			if conn.Present(u) {
				left.Add(uint32(u))
			}
		}
		if set = left; set.Empty() {
			break
		}
		// Another session's STORE may have taken \Deleted off.
		if err := conn.Flag(set, markerFlags); err != nil {
			return nil, err
		}
	}
	step(Expunged)
	for i, u := range uids {
		if !set.Contains(uint32(u)) {
			result[i] = u
		}
	}
	switch {
	case !set.Empty():
		return result, ErrKept
	case len(uids) < len(tokens):
		return result, fmt.Errorf("%w: %s", ErrRefused, refused)
	}
	return result, nil
}

func setOf(uids []imap.UID) imap.Set {
	var s imap.Set
	for _, u := range uids {
		s.Add(uint32(u))
	}
	return s
}
