package note

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
)

// Place is where something was passed.
type Place struct {
	Tenant   string `json:"tenant"`
	User     string `json:"user"` // login name
	Mailbox  string `json:"mailbox"`
	Validity uint32 `json:"uidValidity"`
}

// Note says that a client has been told past the UIDs from Lo to Hi by a session that could not
// know whether injected messages are among them.
type Note struct {
	Place
	Lo imap.UID  `json:"lo"`
	Hi imap.UID  `json:"hi"`
	At time.Time `json:"at"`
}

// Limits of a journal.
const (
	MaxNotes = 100_000 // notes that are kept; more are TooLarge
	MaxLine  = 8 << 10 // octets of a note in the file; a longer line is damaged
)

const fileName = "notes.jsonl"

// Journal is the notes of one gateway. It is safe for concurrent use.
type Journal struct {
	dir  string
	lock *os.File // keeps a second process out
	mu   sync.Mutex
	file *os.File       // guarded by mu
	kept map[Place]Note // guarded by mu: one for each place, its range the hull of all
}

// Open opens the journal in a folder, which it makes if need be, with the notes that are there.
// A line that is damaged (a crash may cut the last one off) is left out; skipped counts them.
// Conflict: another gateway has the folder. Invalid: it cannot be used.
func Open(dir string) (j *Journal, skipped int, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, fault.Wrap(fault.Invalid, err, "the folder %s for notes cannot be made", dir)
	}
	j = &Journal{dir: dir, kept: map[Place]Note{}}
	if j.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, 0, fault.Wrap(fault.Invalid, err, "the folder %s for notes cannot be used", dir)
	}
	if err := syscall.Flock(int(j.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor
		j.lock.Close()
		return nil, 0, fault.Wrap(fault.Conflict, err, "the folder %s for notes is another gateway's", dir)
	}
	if skipped, err = j.start(); err != nil {
		j.lock.Close()
		return nil, 0, err
	}
	return j, skipped, nil
}

// start reads what is there, and begins a file.
func (j *Journal) start() (skipped int, err error) {
	dir := j.dir
	old, err := os.Open(filepath.Join(dir, fileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return 0, fault.Wrap(fault.Invalid, err, "the notes in %s cannot be read", dir)
	default:
		skipped, err = j.read(old)
		old.Close()
		if err != nil {
			return 0, fault.Wrap(fault.Invalid, err, "the notes in %s cannot be read", dir)
		}
	}
	// Written anew, without what is damaged: what is added must begin a line.
	if err := j.rewrite(); err != nil {
		return 0, fault.Wrap(fault.Invalid, err, "notes cannot be written in %s", dir)
	}
	return skipped, nil
}

// read takes notes in, a line each.
func (j *Journal) read(r io.Reader) (skipped int, err error) {
	lines := bufio.NewReaderSize(r, MaxLine)
	for {
		line, err := lines.ReadSlice('\n')
		whole := err == nil
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return skipped, err
		}
		if n, ok := parse(line); whole && ok && len(j.kept) < MaxNotes {
			j.merge(n)
		} else if len(line) > 0 {
			skipped++
		}
		if end {
			return skipped, nil
		}
	}
}

func parse(line []byte) (n Note, ok bool) {
	if json.Unmarshal(line, &n) != nil {
		return n, false
	}
	return n, n.User != "" && n.Mailbox != "" && n.Validity != 0 && n.Lo != 0 && n.Lo <= n.Hi
}

// merge adds a note to what is kept of its place, and reports whether that has grown.
func (j *Journal) merge(n Note) (Note, bool) {
	old, ok := j.kept[n.Place]
	if ok {
		if old.Lo <= n.Lo && n.Hi <= old.Hi {
			return old, false
		}
		n.Lo, n.Hi = min(n.Lo, old.Lo), max(n.Hi, old.Hi)
	}
	j.kept[n.Place] = n
	return n, true
}

// Add keeps a note: when it returns nil, it is on the disk. One that says nothing new is not written
// again. Invalid: one without a user, a mailbox, a UIDVALIDITY or a range; TooLarge: beyond
// MaxNotes; Unavailable: the disk is full, or worse.
func (j *Journal) Add(n Note) error {
	line, err := json.Marshal(n)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "writing a note")
	}
	if _, ok := parse(line); !ok || len(line) >= MaxLine {
		return fault.New(fault.Invalid, "a note names user, mailbox, UIDVALIDITY and UIDs, in less than %d octets", MaxLine)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.kept[n.Place]; !known && len(j.kept) >= MaxNotes {
		return fault.New(fault.TooLarge, "more than %d notes", MaxNotes)
	}
	before, had := j.kept[n.Place]
	n, grown := j.merge(n)
	if !grown {
		return nil
	}
	if line, err = json.Marshal(n); err == nil {
		if _, err = j.file.Write(append(line, '\n')); err == nil {
			err = j.file.Sync()
		}
	}
	if err != nil {
		if delete(j.kept, n.Place); had {
			j.kept[n.Place] = before
		}
		return fault.Wrap(fault.Unavailable, err, "the note could not be written")
	}
	return nil
}

// All gives the notes, in no order.
func (j *Journal) All() []Note {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Note, 0, len(j.kept))
	for _, n := range j.kept {
		out = append(out, n)
	}
	return out
}

// Done forgets notes that were replayed; one that has grown since it was given by All stays.
func (j *Journal) Done(notes []Note) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, n := range notes {
		if now, ok := j.kept[n.Place]; ok && now.Lo == n.Lo && now.Hi == n.Hi {
			delete(j.kept, n.Place)
		}
	}
	if err := j.rewrite(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the notes could not be written")
	}
	return nil
}

// rewrite puts a file with what is kept in the place of the old one, and goes on with it. It is
// called with mu held, or before anybody else has the journal.
func (j *Journal) rewrite() error {
	var b bytes.Buffer
	for _, n := range j.kept {
		line, err := json.Marshal(n)
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	}
	name := filepath.Join(j.dir, fileName)
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(b.Bytes()); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file = f
	return syncFolder(j.dir)
}

// syncFolder makes the new name durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Close closes the file. Nothing may be added afterwards.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.file.Close(), j.lock.Close())
}
