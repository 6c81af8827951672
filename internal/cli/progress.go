package cli

import (
	"fmt"
	"io"
	"time"
)

// progress tells how far something has come: on a terminal in one line that changes, else in a
// line for each step. It is used from one goroutine at a time.
type progress struct {
	w        io.Writer
	terminal bool
	current  string // step that was told last
	shown    time.Time
	dirty    bool // the line on the terminal is not ended
}

// showEvery is how often a line on a terminal changes at most.
const showEvery = 80 * time.Millisecond

// step begins a step, if it is another one.
func (p *progress) step(name string) {
	if name == p.current {
		return
	}
	p.current, p.shown = name, time.Now()
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s …", name)
		p.dirty = true
		return
	}
	fmt.Fprintln(p.w, name)
}

// amount tells how much of the step is done; total is negative or 0 when it is not known.
func (p *progress) amount(done, total int64, unit string) {
	if !p.terminal || time.Since(p.shown) < showEvery {
		return
	}
	p.shown, p.dirty = time.Now(), true
	if total <= 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s … %d %s", p.current, done, unit)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s … %3d %%, %d of %d %s", p.current, min(100, done*100/total), done, total, unit)
}

// note writes a line that stays.
func (p *progress) note(format string, args ...any) {
	p.end()
	fmt.Fprintf(p.w, format+"\n", args...)
	p.current = ""
}

// end takes the changing line away.
func (p *progress) end() {
	if p.dirty {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.dirty = false
	}
}
