package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/placement"
)

const source = "From: Inlay <news@example.org>\r\nSubject: Hello {{ name | default: \"there\" }}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGood day, {{ name | default: \"you\" }}.\r\n"

// fakeService is a middleware of one person, for transcripts: what it holds is said by the
// test, and so are its faults. It is not an oracle of the contract: that is injectiontest's
// business.
type fakeService struct {
	released chan struct{} // closed at the end: what hangs lets go

	mu         sync.Mutex
	down       bool
	offers     []injection.Offer
	placements []placement.Placement
	observed   []string
	faults     map[string]*faults // by call
	everUsed   bool
	streaming  bool
	quiet      bool
	missed     bool // who takes the stream up again may have missed something
	streams    map[chan injection.Change]struct{}
}

// fakeOwner is the person's name in the change stream.
const fakeOwner = "0123456789abcdef0123456789abcdef"

// faults of one call.
type faults struct {
	slow, late               time.Duration
	fail, lose, hang, refuse int // how many of the next calls
}

var _ injection.Service = (*fakeService)(nil)

func newFakeService() *fakeService {
	return &fakeService{released: make(chan struct{}), faults: map[string]*faults{}, streams: map[chan injection.Change]struct{}{}}
}

// release lets go of what hangs.
func (f *fakeService) release() { close(f.released) }

// used reports whether something was ever injected.
func (f *fakeService) used() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.everUsed || len(f.placements) > 0
}

// realUIDs gives n UIDs that no placement has.
func (f *fakeService) realUIDs(n int) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []int
	for uid := 1; len(out) < n; uid++ {
		if !slices.ContainsFunc(f.placements, func(p placement.Placement) bool { return int(p.UID) == uid }) {
			out = append(out, uid)
		}
	}
	return out
}

// act does what an "@" line says:
//
//	@offer CAMPAIGN MAILBOX [TEMPLATE | KIND N]         something to be injected, at a position
//	@live CAMPAIGN MAILBOX VALIDITY UID [FLAGS]         injected before
//	@claimed CAMPAIGN MAILBOX VALIDITY TOKEN LEASE      claimed by a gateway that is not here
//	@confirm CAMPAIGN UID                               which makes it live
//	@moving CAMPAIGN MAILBOX VALIDITY UID TARGET COPY…  a move that began now
//	@flags UID FLAGS    @withdraw UID                   changed elsewhere
//	@pending UID FLAGS  changed elsewhere, and not settled
//	@settled UID N      settled, or reserved, at that mod-sequence
//	@quiet              Begin says so, as long as nothing is there or offered
//	@stream             there is a change stream from now on; @lost ends it for all who hear it
//	@used               the mailbox was injected into before
//	@down @up           nothing is answered but with Unavailable
//	@slow CALL DURATION                                 it takes so long to be done
//	@late CALL DURATION                                 its answers take so long to come
//	@fail CALL N   @lose CALL N   @hang CALL N   @refuse CALL N
//	                    its next N calls say Unavailable; are done, and say it; never answer; say Conflict
//	@ledger             tells what is recorded
func (f *fakeService) act(t *testing.T, args []string) []string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	number := func(s string) uint32 {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			t.Fatalf("@%v: %v", args, err)
		}
		return uint32(n)
	}
	duration := func(s string) time.Duration {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("@%v: %v", args, err)
		}
		return d
	}
	base := func(c string) placement.Placement {
		return placement.Placement{
			ID: placement.ID("p-" + c), Key: placement.Key{Campaign: campaign.ID(c), Occurrence: "1"}, User: "anna",
			Template: message.Digest([]byte(source)), Rev: 1, InternalDate: time.Now().UTC().Truncate(time.Second), Until: time.Now().Add(time.Hour),
		}
	}
	switch args[0] {
	case "offer":
		defer f.word(injection.OfCampaign)
	case "live", "claimed", "moving", "confirm", "flags", "pending", "settled", "withdraw":
		defer f.word(injection.OfPerson)
	}
	switch args[0] {
	case "offer":
		p := base(args[1])
		position := campaign.Top
		switch {
		case len(args) > 4:
			position = campaign.Position(args[3] + " " + args[4])
		case len(args) > 3:
			p.Template = args[3]
		}
		f.offers = append(f.offers, injection.Offer{ID: p.ID, Key: p.Key, Mailbox: args[2], Template: p.Template, Until: p.Until, Position: position})
	case "moving":
		p := base(args[1])
		p.Mailbox, p.UIDValidity, p.UID = args[2], number(args[3]), imap.UID(number(args[4]))
		p.State, p.Target, p.Copy, p.Changed = placement.Moving, args[5], strings.Join(args[6:], " "), time.Now()
		f.placements = append(f.placements, p)
	case "live", "claimed":
		p := base(args[1])
		p.Mailbox, p.UIDValidity = args[2], number(args[3])
		if args[0] == "live" {
			p.UID, p.State, p.Flags = imap.UID(number(args[4])), placement.Live, args[5:]
		} else {
			p.State, p.Token, p.Lease = placement.Claimed, args[4], time.Now().Add(duration(args[5]))
		}
		f.placements = append(f.placements, p)
	case "confirm":
		p := f.find(placement.ID("p-" + args[1]))
		p.State, p.UID, p.Rev = placement.Live, imap.UID(number(args[2])), p.Rev+1
	case "flags", "withdraw":
		for i := range f.placements {
			if p := &f.placements[i]; uint32(p.UID) == number(args[1]) {
				p.Rev++
				if args[0] == "flags" {
					p.Flags = args[2:]
				} else {
					p.State, p.Pending, p.Unraised, p.Changed = placement.Withdrawn, true, true, time.Now()
				}
			}
		}
	case "pending", "settled": // a change of somebody else's, and what became of it
		for i := range f.placements {
			if p := &f.placements[i]; uint32(p.UID) == number(args[1]) {
				if p.Pending = args[0] == "pending"; p.Pending {
					p.Rev, p.Changed, p.Flags = p.Rev+1, time.Now(), args[2:]
				} else {
					p.ModSeq = uint64(number(args[2]))
				}
			}
		}
	case "used":
		f.everUsed = true
	case "quiet":
		f.quiet = true
	case "stream":
		f.streaming = true
	case "lost":
		for c := range f.streams {
			close(c)
		}
		clear(f.streams)
		f.missed = true
	case "down", "up":
		f.down = args[0] == "down"
	case "slow":
		f.of(args[1]).slow = duration(args[2])
	case "late":
		f.of(args[1]).late = duration(args[2])
	case "fail":
		f.of(args[1]).fail = int(number(args[2]))
	case "lose":
		f.of(args[1]).lose = int(number(args[2]))
	case "hang":
		f.of(args[1]).hang = int(number(args[2]))
	case "refuse":
		f.of(args[1]).refuse = int(number(args[2]))
	case "ledger":
		var out []string
		for _, p := range f.placements {
			l := fmt.Sprintf("%s %s %s uid %d (%s)", p.ID, p.State, p.Mailbox, p.UID, strings.Join(p.Flags, " "))
			if p.ModSeq != 0 {
				l += fmt.Sprintf(" modseq %d", p.ModSeq)
			}
			if p.Pending {
				l += " pending"
				if p.Unraised {
					l += " unraised"
				}
			}
			if p.Reason != "" {
				l += " " + p.Reason
			}
			out = append(out, l)
		}
		return append(out, f.observed...)
	default:
		t.Fatalf("@%v: not known", args)
	}
	return nil
}

// live adds what was injected before.
func (f *fakeService) live(c, mailbox string, validity uint32, uid imap.UID) {
	f.placements = append(f.placements, placement.Placement{
		ID: placement.ID("p-" + c), Key: placement.Key{Campaign: campaign.ID(c), Occurrence: "1"}, User: "anna", State: placement.Live,
		Template: message.Digest([]byte(source)), Rev: 1, Mailbox: mailbox, UIDValidity: validity, UID: uid,
		InternalDate: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Until: time.Now().Add(time.Hour),
	})
}

func (f *fakeService) of(call string) *faults {
	if f.faults[call] == nil {
		f.faults[call] = &faults{}
	}
	return f.faults[call]
}

var errDown = fault.New(fault.Unavailable, "down")

func one(n *int) bool {
	if *n > 0 {
		*n--
		return true
	}
	return false
}

// call runs do as one step, with the faults that were ordered.
func call[T any](ctx context.Context, f *fakeService, name string, do func() (T, error)) (T, error) {
	var zero T
	f.mu.Lock()
	x := *f.of(name)
	hang, lose := one(&f.of(name).hang), one(&f.of(name).lose)
	fail := one(&f.of(name).fail) || f.down
	refuse := one(&f.of(name).refuse)
	f.mu.Unlock()
	if hang {
		select {
		case <-ctx.Done():
			return zero, fault.Wrap(fault.Unavailable, ctx.Err(), "no answer")
		case <-f.released:
		}
		return zero, fault.New(fault.Unavailable, "no answer")
	}
	if x.slow > 0 {
		select {
		case <-ctx.Done():
			return zero, fault.Wrap(fault.Unavailable, ctx.Err(), "no answer in time")
		case <-time.After(x.slow):
		}
	}
	switch {
	case fail:
		return zero, errDown
	case refuse:
		return zero, fault.New(fault.Conflict, "refused")
	}
	f.mu.Lock()
	v, err := do()
	if name != "begin" && name != "placements" && name != "template" {
		f.word(injection.OfPerson)
	}
	f.mu.Unlock()
	if x.late > 0 {
		time.Sleep(x.late) // of the bubble
	}
	if lose {
		return zero, errDown
	}
	return v, err
}

// word tells everybody who hears the stream. It is called with mu held.
func (f *fakeService) word(kind injection.ChangeKind) {
	for c := range f.streams {
		c <- injection.Change{Kind: kind, Owner: fakeOwner}
	}
}

// Watch says that it is alive every two seconds, until it is lost.
func (f *fakeService) Watch(ctx context.Context, _ injection.WatchRequest, heard func(injection.Change) error) error {
	f.mu.Lock()
	words := make(chan injection.Change, 1000)
	streaming, missed := f.streaming, f.missed
	if streaming {
		f.streams[words] = struct{}{}
	}
	f.mu.Unlock()
	if !streaming {
		return fault.New(fault.Unsupported, "no change stream")
	}
	sign := time.NewTicker(2 * time.Second)
	defer sign.Stop()
	change := injection.Change{Kind: injection.Alive}
	if missed {
		change.Kind = injection.Reset
	}
	for {
		if err := heard(change); err != nil {
			return err
		}
		var ok bool
		select {
		case <-ctx.Done():
			f.mu.Lock()
			delete(f.streams, words)
			f.mu.Unlock()
			return ctx.Err()
		case change, ok = <-words:
			if !ok {
				return errDown
			}
		case <-sign.C:
			change = injection.Change{Kind: injection.Alive}
		}
	}
}

func (f *fakeService) alive() []placement.Placement {
	var out []placement.Placement
	for _, p := range f.placements {
		p.Reason = strings.TrimSuffix(p.Reason, " released") // that is for the transcripts
		if !p.State.Final() || p.Pending || p.Lost(time.Now()) {
			p.Flags = slices.Clone(p.Flags)
			out = append(out, p)
		}
	}
	return out
}

func (f *fakeService) Begin(ctx context.Context, _ injection.BeginRequest) (injection.Session, error) {
	return call(ctx, f, "begin", func() (injection.Session, error) {
		return injection.Session{Owner: fakeOwner, Quiet: f.quiet && len(f.alive())+len(f.offers) == 0, Placements: f.alive(), Offers: slices.Clone(f.offers)}, nil
	})
}

func (f *fakeService) Placements(ctx context.Context, _ injection.Person) ([]placement.Placement, error) {
	return call(ctx, f, "placements", func() ([]placement.Placement, error) { return f.alive(), nil })
}

func (f *fakeService) Template(ctx context.Context, _, digest string) ([]byte, error) {
	return call(ctx, f, "template", func() ([]byte, error) {
		if digest != message.Digest([]byte(source)) {
			return nil, fault.New(fault.NotFound, "no such template")
		}
		return []byte(source), nil
	})
}

func (f *fakeService) find(id placement.ID) *placement.Placement {
	for i := range f.placements {
		if f.placements[i].ID == id {
			return &f.placements[i]
		}
	}
	return nil
}

func (f *fakeService) Claim(ctx context.Context, req injection.ClaimRequest) (placement.Placement, error) {
	return call(ctx, f, "claim", func() (placement.Placement, error) {
		for i, o := range f.offers {
			if o.Key == req.Key {
				f.offers = slices.Delete(f.offers, i, i+1)
				p := placement.Placement{
					ID: o.ID, Key: o.Key, User: req.User, Mailbox: o.Mailbox, UIDValidity: req.UIDValidity, State: placement.Claimed,
					Rev: 1, Token: req.Token, Lease: time.Now().Add(req.Lease), Template: o.Template, Variables: o.Variables, Until: o.Until,
				}
				f.placements = append(f.placements, p)
				return p, nil
			}
		}
		return placement.Placement{}, fault.New(fault.Conflict, "not offered")
	})
}

func (f *fakeService) Confirm(ctx context.Context, req injection.ConfirmRequest) (placement.Placement, error) {
	return call(ctx, f, "confirm", func() (placement.Placement, error) {
		p := f.find(req.ID)
		switch {
		case p != nil && p.State == placement.Live && p.Token == req.Token && p.UID == req.UID:
		case p == nil || p.State != placement.Claimed || p.Token != req.Token:
			return placement.Placement{}, fault.New(fault.Conflict, "not claimed")
		default:
			p.State, p.UID, p.InternalDate, p.ModSeq, p.Rev = placement.Live, req.UID, req.InternalDate, req.ModSeq, p.Rev+1
		}
		return *p, nil
	})
}

func (f *fakeService) Void(ctx context.Context, req injection.VoidRequest) error {
	_, err := call(ctx, f, "void", func() (struct{}, error) {
		p := f.find(req.ID)
		if p == nil || p.Token != req.Token || p.State == placement.Void {
			return struct{}{}, nil
		}
		p.State, p.Rev, p.Reason, p.Changed = placement.Void, p.Rev+1, req.Reason, time.Now()
		if req.Release {
			p.Reason += " released"
			f.offers = append(f.offers, injection.Offer{ID: p.ID + "'", Key: p.Key, Mailbox: p.Mailbox, Template: p.Template, Until: p.Until})
		}
		return struct{}{}, nil
	})
	return err
}

func (f *fakeService) SetFlags(ctx context.Context, req injection.FlagsRequest) (placement.Placement, error) {
	return call(ctx, f, "flags", func() (placement.Placement, error) {
		p := f.find(req.ID)
		if p == nil || p.State != placement.Live {
			return placement.Placement{}, fault.New(fault.Conflict, "not live")
		}
		if req.IfRev != 0 && p.Rev != req.IfRev {
			return placement.Placement{}, fault.New(fault.Conflict, "another revision")
		}
		in := func(flag string) bool {
			return slices.ContainsFunc(req.Flags, func(x string) bool { return strings.EqualFold(x, flag) })
		}
		if req.Touch {
			p.Rev, p.Pending, p.Unraised, p.Changed = p.Rev+1, true, true, time.Now()
			return *p, nil
		}
		before := p.Flags
		switch req.Op {
		case injection.ReplaceFlags:
			p.Flags = slices.Clone(req.Flags)
		default:
			p.Flags = slices.DeleteFunc(slices.Clone(p.Flags), in)
			if req.Op == injection.AddFlags {
				p.Flags = append(p.Flags, req.Flags...)
			}
		}
		slices.Sort(p.Flags)
		if !slices.Equal(before, p.Flags) {
			p.Rev++
			p.Changed = time.Now()
			*p = placement.Step{Next: *p, Changed: true}.Pends(req.Pending, req.Unraised).Next
		}
		return *p, nil
	})
}

func (f *fakeService) Expunge(ctx context.Context, req injection.ExpungeRequest) (placement.Placement, error) {
	return call(ctx, f, "expunge", func() (placement.Placement, error) {
		return f.transit(req.ID, func(p placement.Placement) (placement.Step, error) { return placement.Expunge(p, time.Now()) }, req.Pending, req.Unraised)
	})
}

func (f *fakeService) Move(ctx context.Context, req injection.MoveRequest) (placement.Placement, error) {
	return call(ctx, f, "move", func() (placement.Placement, error) {
		return f.transit(req.ID, func(p placement.Placement) (placement.Step, error) {
			return placement.Move(p, req.Target, req.Copy, time.Now())
		}, false, false)
	})
}

func (f *fakeService) EndMove(ctx context.Context, req injection.EndMoveRequest) (placement.Placement, error) {
	return call(ctx, f, "endmove", func() (placement.Placement, error) {
		return f.transit(req.ID, func(p placement.Placement) (placement.Step, error) {
			return placement.EndMove(p, req.Done, time.Now())
		}, req.Pending && req.Done, req.Unraised)
	})
}

func (f *fakeService) Settle(ctx context.Context, req injection.SettleRequest) (injection.Settlement, error) {
	return call(ctx, f, "settle", func() (s injection.Settlement, err error) {
		s.Placement, err = f.transit(req.ID, func(p placement.Placement) (step placement.Step, err error) {
			step, s.Outcome, err = placement.Settle(p, req.Rev, req.ModSeq)
			return step, err
		}, false, false)
		return s, err
	})
}

func (f *fakeService) Departed(ctx context.Context, req injection.DepartedRequest) ([]placement.Departure, error) {
	return call(ctx, f, "departed", func() ([]placement.Departure, error) {
		var out []placement.Departure
		for i := range f.placements {
			if d, ok := f.placements[i].Departed(); ok && d.Mailbox == req.Mailbox && d.UIDValidity == req.UIDValidity {
				out = append(out, d)
			}
		}
		return out, nil
	})
}

// transit makes a transition of a placement.
func (f *fakeService) transit(id placement.ID, transition func(placement.Placement) (placement.Step, error), pending, unraised bool) (placement.Placement, error) {
	p := f.find(id)
	if p == nil {
		return placement.Placement{}, fault.New(fault.NotFound, "no such placement")
	}
	step, err := transition(*p)
	if err != nil {
		return placement.Placement{}, err
	}
	*p = step.Pends(pending, unraised).Next
	return *p, nil
}

func (f *fakeService) Attend(context.Context, injection.AttendRequest) error { return nil }

func (f *fakeService) Record(ctx context.Context, _ injection.Person, events []injection.Observation) error {
	_, err := call(ctx, f, "record", func() (struct{}, error) {
		for _, e := range events {
			f.observed = append(f.observed, fmt.Sprintf("observed %s of %s", e.Type, e.Placement))
		}
		return struct{}{}, nil
	})
	return err
}
