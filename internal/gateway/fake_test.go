package gateway_test

import (
	"context"
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
// test. It is not an oracle of the contract: that is injectiontest's business.
type fakeService struct {
	mu         sync.Mutex
	down       bool
	offers     []injection.Offer
	placements []placement.Placement
}

var _ injection.Service = (*fakeService)(nil)

func newFakeService() *fakeService { return &fakeService{} }

func (f *fakeService) act(t *testing.T, args []string) {
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
	base := func(c string) placement.Placement {
		return placement.Placement{
			ID: placement.ID("p-" + c), Key: placement.Key{Campaign: campaign.ID(c), Occurrence: "1"}, User: "anna",
			Template: message.Digest([]byte(source)), Rev: 1, InternalDate: time.Now().UTC().Truncate(time.Second), Until: time.Now().Add(time.Hour),
		}
	}
	switch args[0] {
	case "offer":
		p := base(args[1])
		f.offers = append(f.offers, injection.Offer{ID: p.ID, Key: p.Key, Mailbox: args[2], Template: p.Template, Until: p.Until})
	case "live":
		p := base(args[1])
		p.Mailbox, p.UIDValidity, p.UID, p.State = args[2], number(args[3]), imap.UID(number(args[4])), placement.Live
		p.Flags = args[5:]
		f.placements = append(f.placements, p)
	case "flags", "withdraw":
		for i := range f.placements {
			if p := &f.placements[i]; uint32(p.UID) == number(args[1]) {
				p.Rev++
				if args[0] == "flags" {
					p.Flags = args[2:]
				} else {
					p.State = placement.Withdrawn
				}
			}
		}
	case "down", "up":
		f.down = args[0] == "down"
	default:
		t.Fatalf("@%v: not known", args)
	}
}

func (f *fakeService) lock() error {
	f.mu.Lock()
	if f.down {
		f.mu.Unlock()
		return fault.New(fault.Unavailable, "down")
	}
	return nil
}

func (f *fakeService) alive() []placement.Placement {
	var out []placement.Placement
	for _, p := range f.placements {
		if !p.State.Final() {
			p.Flags = slices.Clone(p.Flags)
			out = append(out, p)
		}
	}
	return out
}

func (f *fakeService) Begin(context.Context, injection.BeginRequest) (injection.Session, error) {
	if err := f.lock(); err != nil {
		return injection.Session{}, err
	}
	defer f.mu.Unlock()
	return injection.Session{Placements: f.alive(), Offers: slices.Clone(f.offers)}, nil
}

func (f *fakeService) Placements(context.Context, injection.Person) ([]placement.Placement, error) {
	if err := f.lock(); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return f.alive(), nil
}

func (f *fakeService) Template(_ context.Context, _, digest string) ([]byte, error) {
	if digest != message.Digest([]byte(source)) {
		return nil, fault.New(fault.NotFound, "no such template")
	}
	return []byte(source), nil
}

func (f *fakeService) find(id placement.ID) *placement.Placement {
	for i := range f.placements {
		if f.placements[i].ID == id {
			return &f.placements[i]
		}
	}
	return nil
}

func (f *fakeService) Claim(_ context.Context, req injection.ClaimRequest) (placement.Placement, error) {
	if err := f.lock(); err != nil {
		return placement.Placement{}, err
	}
	defer f.mu.Unlock()
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
}

func (f *fakeService) Confirm(_ context.Context, req injection.ConfirmRequest) (placement.Placement, error) {
	if err := f.lock(); err != nil {
		return placement.Placement{}, err
	}
	defer f.mu.Unlock()
	p := f.find(req.ID)
	if p == nil || p.State != placement.Claimed || p.Token != req.Token {
		return placement.Placement{}, fault.New(fault.Conflict, "not claimed")
	}
	p.State, p.UID, p.InternalDate, p.Rev = placement.Live, req.UID, req.InternalDate, p.Rev+1
	return *p, nil
}

func (f *fakeService) Void(_ context.Context, req injection.VoidRequest) error {
	if err := f.lock(); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if p := f.find(req.ID); p != nil && p.Token == req.Token {
		p.State, p.Rev = placement.Void, p.Rev+1
	}
	return nil
}

func (f *fakeService) SetFlags(_ context.Context, req injection.FlagsRequest) (placement.Placement, error) {
	if err := f.lock(); err != nil {
		return placement.Placement{}, err
	}
	defer f.mu.Unlock()
	p := f.find(req.ID)
	if p == nil || p.State != placement.Live {
		return placement.Placement{}, fault.New(fault.Conflict, "not live")
	}
	in := func(flag string) bool {
		return slices.ContainsFunc(req.Flags, func(x string) bool { return strings.EqualFold(x, flag) })
	}
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
	p.Rev++
	return *p, nil
}

func (f *fakeService) Expunge(_ context.Context, req injection.ExpungeRequest) error {
	if err := f.lock(); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if p := f.find(req.ID); p != nil {
		p.State, p.Rev = placement.Expunged, p.Rev+1
	}
	return nil
}

func (f *fakeService) Record(context.Context, injection.Person, []injection.Observation) error {
	return nil
}
