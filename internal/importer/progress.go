package importer

import (
	"sync"
	"time"

	"inlay.example/inlay/internal/object"
)

// progress is what is known of a job that this instance works on, fresher than its document.
type progress struct {
	mu         sync.Mutex
	phase      Phase
	file       string
	rows       Rows
	rejected   []RejectedRow
	errorFiles []object.Key
	waiting    string
	since      time.Time // of the reading of recipients in this run
	from       int64     // rows that had been read then
	troubled   time.Time // when the failures began that keep it waiting
}

// show puts what is known into a status.
func (p *progress) show(s *Status, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Waiting = p.waiting
	if p.phase == "" {
		return
	}
	s.State, s.Phase, s.File, s.Rows = Running, p.phase, p.file, p.rows
	s.Rejected, s.ErrorFiles = p.rejected, p.errorFiles
	elapsed := now.Sub(p.since).Seconds()
	if done := p.rows.Read - p.from; p.phase == ReadRecipients && done > 0 && elapsed > 0 {
		s.RowsPerSecond = float64(done) / elapsed
		s.ETASeconds = int64(float64(max(0, p.rows.Total-p.rows.Read))/s.RowsPerSecond) + 1
	}
}

func (p *progress) set(change func(p *progress)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// progressOf returns the progress of a job, made when first asked for.
func (i *Importer) progressOf(id string) *progress {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.live[id]
	if p == nil {
		p = &progress{}
		i.live[id] = p
	}
	return p
}

func (i *Importer) forget(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.live, id)
}
