package gateway

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/placement"
)

// renderer compiles templates once and renders placements, with a bounded memory of both.
// It is safe for concurrent use; what it returns is shared and must not be changed.
type renderer struct {
	service injection.Service
	tenant  string
	domain  string

	mu        sync.Mutex
	templates lru[*message.Template] // by digest
	messages  lru[*message.Message]  // by placement and all else that the bytes depend on
}

const (
	keptTemplates = 256      // compiled templates
	keptBytes     = 32 << 20 // octets of rendered messages
)

func newRenderer(service injection.Service, tenant, domain string) *renderer {
	return &renderer{
		service: service, tenant: tenant, domain: domain,
		templates: newLRU[*message.Template](keptTemplates), messages: newLRU[*message.Message](keptBytes),
	}
}

// template gives a compiled template, asking the middleware the first time.
func (r *renderer) template(ctx context.Context, digest string) (*message.Template, error) {
	r.mu.Lock()
	t, ok := r.templates.get(digest)
	r.mu.Unlock()
	if ok {
		return t, nil
	}
	src, err := r.service.Template(ctx, r.tenant, digest)
	if err != nil {
		return nil, fmt.Errorf("fetching template %s: %w", digest, err)
	}
	if got := message.Digest(src); got != digest {
		return nil, fmt.Errorf("fetching template %s: what came is %s", digest, got)
	}
	if t, err = message.Compile(src); err != nil {
		return nil, fmt.Errorf("compiling template %s: %w", digest, err)
	}
	r.mu.Lock()
	r.templates.put(digest, t, 1)
	r.mu.Unlock()
	return t, nil
}

// message renders a placement. The bytes of a live placement are the same for ever.
func (r *renderer) message(t *message.Template, p *placement.Placement) (*message.Message, error) {
	key := fmt.Sprintf("%s %s %s %d", p.ID, p.Template, p.Token, p.InternalDate.Unix())
	r.mu.Lock()
	m, ok := r.messages.get(key)
	r.mu.Unlock()
	if ok {
		return m, nil
	}
	raw, err := t.Render(p.Variables, message.System{
		Placement: string(p.ID), Campaign: string(p.Campaign), User: p.User, Date: p.InternalDate, Domain: r.domain,
	})
	if err != nil {
		return nil, fmt.Errorf("rendering campaign %s: %w", p.Campaign, err)
	}
	if m, err = message.Parse(raw); err != nil {
		return nil, fmt.Errorf("parsing the rendering of campaign %s: %w", p.Campaign, err)
	}
	r.mu.Lock()
	r.messages.put(key, m, m.Size())
	r.mu.Unlock()
	return m, nil
}

// lru forgets the least recently used when the weights exceed its limit. Not safe for
// concurrent use.
type lru[V any] struct {
	limit, weight int64
	order         *list.List // of *lruItem[V], most recent first
	items         map[string]*list.Element
}

type lruItem[V any] struct {
	key    string
	value  V
	weight int64
}

func newLRU[V any](limit int64) lru[V] {
	return lru[V]{limit: limit, order: list.New(), items: map[string]*list.Element{}}
}

func (c *lru[V]) get(key string) (v V, ok bool) {
	e, ok := c.items[key]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*lruItem[V]).value, true
}

func (c *lru[V]) put(key string, v V, weight int64) {
	if e, ok := c.items[key]; ok {
		it := e.Value.(*lruItem[V])
		c.weight += weight - it.weight
		it.value, it.weight = v, weight
		c.order.MoveToFront(e)
	} else {
		c.items[key] = c.order.PushFront(&lruItem[V]{key, v, weight})
		c.weight += weight
	}
	for c.weight > c.limit && c.order.Len() > 1 {
		e := c.order.Back()
		it := c.order.Remove(e).(*lruItem[V])
		delete(c.items, it.key)
		c.weight -= it.weight
	}
}
