package reserve

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"

	"inlay.example/inlay/internal/imap"
)

// Administration is what Ahead needs of a mail server's own administration. Errors are those of
// reaching it, or its refusals.
type Administration interface {
	// Status tells the state of a mailbox of a user.
	Status(ctx context.Context, user, mailbox string) (State, error)
	// Raise makes UIDNEXT at least next (0: leaves it), and HIGHESTMODSEQ at least highest, and
	// tells what they were just before and just after.
	Raise(ctx context.Context, user, mailbox string, next uint32, highest uint64) (before, after State, err error)
}

// State is how far a mailbox has counted.
type State struct {
	UIDNext, UIDValidity uint32
	HighestModSeq        uint64
}

// Ahead reserves by the server's administration (Dovecot: doveadm mailbox update): it moves
// UIDNEXT and HIGHESTMODSEQ, and makes no message. Nothing is there to be noticed by push
// services, filters and clients that go around the gateway; no right and no room is needed, and
// no keyword is left behind.
//
// There is no "give me a UID" there, only "the next one is at least": so a UID is taken a
// distance ahead of UIDNEXT, and the mailbox told to go on above it. It is burnt if UIDNEXT, read
// just before, had not come near, and if it is exactly what was asked for just after: else a
// message may have had that UID, and may be gone already, or another gateway asked for the same.
// The distance is random, so that two that ask at the same moment do not take the same one.
type Ahead struct{ admin Administration }

// NewAhead makes a reserver.
func NewAhead(admin Administration) Ahead { return Ahead{admin} }

const (
	tries = 4

	distance = 16  // from UIDNEXT to the first UID that may be taken
	spread   = 256 // so many UIDs are as likely as each other to be the first
	near     = 8   // UIDNEXT this close below it, or above: somebody may have had it
)

// Reserve implements Reserver.
func (a Ahead) Reserve(ctx context.Context, conn Conn, validity uint32, tokens []string, step func(Step)) ([]imap.UID, error) {
	user, mailbox := conn.Mailbox()
	result := make([]imap.UID, len(tokens))
	for range tries {
		now, err := a.admin.Status(ctx, user, mailbox)
		if err != nil {
			return result, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		skip, err := rand.Int(rand.Reader, big.NewInt(spread))
		if err != nil {
			return result, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		first := uint64(now.UIDNext) + distance + skip.Uint64()
		next := first + uint64(len(tokens))
		if next >= uint64(imap.MaxUID) {
			return result, fmt.Errorf("%w: the mailbox has no UIDs left", ErrRefused)
		}
		before, after, err := a.admin.Raise(ctx, user, mailbox, uint32(next), now.HighestModSeq+1)
		switch {
		case err != nil:
			return result, fmt.Errorf("%w: %w", ErrRefused, err)
		case before.UIDValidity != validity || after.UIDValidity != validity:
			return result, ErrValidity
		case uint64(before.UIDNext)+near > first || uint64(after.UIDNext) != next || after.HighestModSeq <= before.HighestModSeq:
			continue // what was taken stays burnt, or is a message's
		}
		step(Appended)
		step(Expunged)
		for i := range result {
			result[i] = imap.UID(first + uint64(i))
		}
		return result, conn.Look() // the connection's own picture of UIDNEXT and HIGHESTMODSEQ
	}
	return result, fmt.Errorf("%w: UIDNEXT does not stand still", ErrRefused)
}

// Raise implements Reserver.
func (a Ahead) Raise(ctx context.Context, conn Conn, validity uint32, _ string) ([]imap.UID, error) {
	user, mailbox := conn.Mailbox()
	for range tries {
		now, err := a.admin.Status(ctx, user, mailbox)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		before, after, err := a.admin.Raise(ctx, user, mailbox, 0, now.HighestModSeq+1)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		case after.UIDValidity != validity:
			return nil, ErrValidity
		case after.HighestModSeq > before.HighestModSeq:
			return nil, conn.Look()
		}
	}
	return nil, fmt.Errorf("%w: HIGHESTMODSEQ does not stand still", ErrRefused)
}

// Marks implements Reserver.
func (Ahead) Marks() bool { return false }
