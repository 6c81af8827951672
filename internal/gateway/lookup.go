package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// lookup is the question at login, asked once and not waited for by the login.
type lookup struct {
	started time.Time
	done    chan struct{}
	session injection.Session // valid after done
	err     error             // likewise
	waited  time.Duration     // for its answer; of the session's goroutine
	turn    uint64            // of the bells, before it was asked
}

// lookupLimit is how long a lookup may go on in the background: a late answer still serves
// the next SELECT.
const lookupLimit = 5 * time.Second

// quiet reports whether nothing can concern the person, and nothing can begin to before this gateway
// has heard of it: then the gateway is a plain proxy, and neither asks nor reads.
func (s *session) quiet() bool {
	l := s.lookup
	if l == nil {
		return false
	}
	select {
	case <-l.done:
		return l.err == nil && l.session.Quiet && s.g.bells.reliedOn(l.turn)
	default:
		return false
	}
}

// freshLookup asks anew when the last answer is too old to decide with. A question that was
// not answered yet is not asked twice.
func (s *session) freshLookup() {
	if s.quiet() {
		return
	}
	if l := s.lookup; l != nil {
		select {
		case <-l.done:
			if time.Since(l.started) <= s.g.cfg.LookupAge {
				return
			}
		default:
			return
		}
	}
	s.startLookup()
}

// taken takes what was claimed out of the offers: the answer may serve another SELECT.
func (l *lookup) taken(claims []placement.Placement) {
	l.session.Offers = slices.DeleteFunc(slices.Clone(l.session.Offers), func(o injection.Offer) bool {
		return slices.ContainsFunc(claims, func(p placement.Placement) bool { return p.Key == o.Key })
	})
}

// startLookup asks the middleware, without waiting.
func (s *session) startLookup() {
	if s.service == nil {
		return
	}
	l := &lookup{started: time.Now(), done: make(chan struct{}), turn: s.g.bells.now()}
	s.lookup = l
	req := injection.BeginRequest{Person: s.person(), ClientID: s.clientID, RemoteAddr: hostOf(s.remote)}
	ctx := s.ctx
	go func() {
		defer close(l.done)
		ctx, cancel := context.WithTimeout(ctx, lookupLimit)
		defer cancel()
		l.session, l.err = s.service.Begin(ctx, req)
		if l.err == nil {
			s.g.bells.own(l.session.Owner, s.bell, l.session.Quiet)
		}
		s.g.metrics.lookup.Observe(time.Since(l.started).Seconds())
	}()
}

func hostOf(addr string) string {
	if i := strings.LastIndexByte(addr, ':'); i >= 0 {
		return strings.Trim(addr[:i], "[]")
	}
	return addr
}

// awaitLookup gives the answer to the lookup, if there is one within the budget. All waiting
// for the same lookup counts: a client that opens ten folders does not pay for it ten times.
func (s *session) awaitLookup(budget time.Duration) (injection.Session, error) {
	l := s.lookup
	select {
	case <-l.done:
	default:
		began := time.Now()
		t := time.NewTimer(budget - l.waited)
		defer t.Stop()
		select {
		case <-l.done:
		case <-t.C:
			l.waited += time.Since(began)
			return injection.Session{}, context.DeadlineExceeded
		case <-s.ctx.Done():
			return injection.Session{}, s.ctx.Err()
		}
	}
	return l.session, l.err
}

func reasonOf(err error) string {
	switch {
	case errors.Is(err, errBreaker):
		return reasonBreaker
	case errors.Is(err, context.DeadlineExceeded):
		return reasonTimeout
	}
	return reasonUnavailable
}

func (s *session) notInjected(reason string, err error) {
	s.g.metrics.notInjected.WithLabelValues(reason).Inc()
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log.Info("nothing injected", "reason", reason, "error", err)
	}
}
