package demo

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// account is one person's mail. mu guards everything in it but what is immutable.
type account struct {
	person   Person
	validity uint32

	mu    sync.Mutex
	boxes map[string]*mailbox // by name
	made  uint32              // mailboxes made after the first ones
}

func newAccount(p Person, validity uint32) *account {
	a := &account{person: p, validity: validity, boxes: map[string]*mailbox{}}
	for name, use := range map[string]imap.MailboxAttr{
		"INBOX": "", "Sent": imap.MailboxAttrSent, "Drafts": imap.MailboxAttrDrafts,
		"Trash": imap.MailboxAttrTrash, "Archive": imap.MailboxAttrArchive,
	} {
		a.boxes[name] = newMailbox(name, use, validity)
	}
	return a
}

// mailbox is a mailbox; the account's mu guards it.
type mailbox struct {
	name       string
	use        imap.MailboxAttr // empty: none
	subscribed bool
	validity   uint32
	next       imap.UID
	messages   []*message
	flags      []imap.Flag // that were ever used here, beyond the system's
	tracker    *imapserver.MailboxTracker
}

func newMailbox(name string, use imap.MailboxAttr, validity uint32) *mailbox {
	return &mailbox{
		name: name, use: use, subscribed: true, validity: validity, next: 1, tracker: imapserver.NewMailboxTracker(0),
	}
}

// message is a message; all but flags is immutable.
type message struct {
	uid   imap.UID
	raw   []byte
	date  time.Time
	flags []imap.Flag
}

// systemFlags are those that can be set, in their usual spelling.
var systemFlags = [...]imap.Flag{imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagSeen, imap.FlagDraft}

// spelt gives a flag in the spelling that the mailbox knows it by.
func (b *mailbox) spelt(f imap.Flag) imap.Flag {
	for _, list := range [][]imap.Flag{systemFlags[:], b.flags} {
		if i := slices.IndexFunc(list, func(o imap.Flag) bool { return sameFlag(o, f) }); i >= 0 {
			return list[i]
		}
	}
	return f
}

func sameFlag(a, b imap.Flag) bool { return strings.EqualFold(string(a), string(b)) }

func (m *message) has(f imap.Flag) bool {
	return slices.ContainsFunc(m.flags, func(o imap.Flag) bool { return sameFlag(o, f) })
}

// change applies a STORE to the message's flags and reports whether that made a difference.
func (b *mailbox) change(m *message, op imap.StoreFlagsOp, flags []imap.Flag) bool {
	old := slices.Clone(m.flags)
	if op == imap.StoreFlagsSet {
		m.flags = nil
	}
	for _, f := range flags {
		if sameFlag(f, `\Recent`) {
			continue // rfc3501 §2.3.2: clients cannot change it
		}
		i := slices.IndexFunc(m.flags, func(o imap.Flag) bool { return sameFlag(o, f) })
		switch {
		case op == imap.StoreFlagsDel && i >= 0:
			m.flags = slices.Delete(m.flags, i, i+1)
		case op != imap.StoreFlagsDel && i < 0:
			m.flags = append(m.flags, b.learn(f))
		}
	}
	slices.Sort(m.flags)
	return !slices.Equal(old, m.flags)
}

// learn notes a keyword that is new to the mailbox, and tells its sessions.
func (b *mailbox) learn(f imap.Flag) imap.Flag {
	known := b.spelt(f)
	if slices.Contains(systemFlags[:], known) || slices.Contains(b.flags, known) {
		return known
	}
	b.flags = append(b.flags, f)
	b.tracker.QueueMailboxFlags(b.allFlags())
	return f
}

func (b *mailbox) allFlags() []imap.Flag { return slices.Concat(systemFlags[:], b.flags) }

func (b *mailbox) append(raw []byte, flags []imap.Flag, date time.Time) imap.UID {
	m := &message{uid: b.next, raw: raw, date: date}
	b.change(m, imap.StoreFlagsAdd, flags)
	b.next++
	b.messages = append(b.messages, m)
	b.tracker.QueueNumMessages(uint32(len(b.messages)))
	return m.uid
}

// expunge removes the messages that are \Deleted and in uids; nil is all.
func (b *mailbox) expunge(uids *imap.UIDSet) {
	for i := len(b.messages) - 1; i >= 0; i-- {
		m := b.messages[i]
		if m.has(imap.FlagDeleted) && (uids == nil || uids.Contains(m.uid)) {
			b.messages = slices.Delete(b.messages, i, i+1)
			b.tracker.QueueExpunge(uint32(i + 1))
		}
	}
}

func (b *mailbox) count(f imap.Flag) uint32 {
	var n uint32
	for _, m := range b.messages {
		if m.has(f) {
			n++
		}
	}
	return n
}

func (b *mailbox) status() *imap.StatusData {
	messages, unseen := uint32(len(b.messages)), uint32(len(b.messages))-b.count(imap.FlagSeen)
	deleted, recent, size := b.count(imap.FlagDeleted), uint32(0), int64(0)
	for _, m := range b.messages {
		size += int64(len(m.raw))
	}
	return &imap.StatusData{
		Mailbox: b.name, NumMessages: &messages, NumUnseen: &unseen, NumDeleted: &deleted, NumRecent: &recent,
		Size: &size, UIDNext: b.next, UIDValidity: b.validity,
	}
}
