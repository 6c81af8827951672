package thread

import (
	"cmp"
	"slices"
)

// container is a message, or what stands for one that is referred to.
type container struct {
	m        *Message // nil: it is not there
	parent   *container
	children []*container // only of and below roots, without what is not there
}

func (c *container) hasAncestor(a *container) bool {
	for ; c != nil; c = c.parent {
		if c == a {
			return true
		}
	}
	return false
}

// forest is what the references make of messages.
type forest struct {
	roots []*root
}

// root is a thread while threads are gathered.
type root struct {
	c     *container
	date  int64
	num   uint32
	dummy bool
	gone  bool // it went into another one, or nothing hangs below it

	into  *root // the one of the same subject that it goes into
	reply bool
}

// link joins messages by their references, in the order of the mailbox (rfc5256 §3 REFERENCES,
// steps 1 to 3).
func link(msgs []Message) *forest {
	byID := map[string]*container{}
	var all []*container
	of := func(id string) *container {
		c := byID[id]
		if c == nil {
			c = &container{}
			byID[id] = c
			all = append(all, c)
		}
		return c
	}
	join := func(parent, child *container) {
		if !parent.hasAncestor(child) && child.parent == nil {
			child.parent = parent
		}
	}
	for i := range msgs {
		m := &msgs[i]
		var c *container
		if m.ID != "" {
			c = of(m.ID)
		}
		if c == nil || c.m != nil { // its id is taken
			c = &container{}
			all = append(all, c)
		}
		c.m = m
		var parent *container
		for _, id := range m.Refs {
			next := of(id)
			if parent != nil {
				join(parent, next)
			}
			parent = next
		}
		if c.parent != parent {
			c.parent = nil // its own word counts, not that of a message that refers to it
		}
		if parent != nil {
			join(parent, c)
		}
	}
	return grow(all)
}

// grow hangs messages below those that are there, and otherwise below the topmost that is not.
func grow(all []*container) *forest {
	f := &forest{}
	for _, c := range all {
		if c.parent == nil {
			f.roots = append(f.roots, &root{c: c, dummy: c.m == nil})
			continue
		}
		if c.m == nil {
			continue
		}
		p := c.parent
		for p.m == nil && p.parent != nil {
			p = p.parent
		}
		p.children = append(p.children, c)
	}
	return f
}

// byDate orders what hangs below one message.
func byDate(a, b *container) int {
	return cmp.Or(cmp.Compare(a.m.Date, b.m.Date), cmp.Compare(a.m.Num, b.m.Num))
}

// sort orders the roots; one that is not there counts as its first child, and is no root if it
// has but one (step 4).
func (f *forest) sort() {
	for _, r := range f.roots {
		switch {
		case r.gone:
			continue
		case r.dummy && len(r.c.children) == 0:
			r.gone = true
			continue
		case r.dummy:
			slices.SortFunc(r.c.children, byDate)
			first := r.c.children[0]
			if len(r.c.children) == 1 {
				r.c, r.dummy = first, false
			}
			r.date, r.num = first.m.Date, first.m.Num
		default:
			r.date, r.num = r.c.m.Date, r.c.m.Num
		}
	}
	f.roots = slices.DeleteFunc(f.roots, func(r *root) bool { return r.gone })
	slices.SortFunc(f.roots, func(a, b *root) int { return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.num, b.num)) })
}

// references gathers the threads of one subject (step 5) and gives all of them in their order.
func (f *forest) references() []Tree {
	f.sort()
	f.gather()
	for _, r := range slices.Clone(f.roots) {
		if r.into != nil && !r.gone {
			f.merge(r)
		}
	}
	for _, r := range f.roots {
		r.into = nil
	}
	f.sort()
	out := make([]Tree, len(f.roots))
	for i, r := range f.roots {
		out[i] = Tree{node(r.c), r.date, r.num}
	}
	return out
}

// gather finds for each subject the root that the others go into (step 5.B).
func (f *forest) gather() {
	table := map[string]*root{}
	for _, r := range f.roots {
		m := r.c.m
		if r.dummy {
			m = r.c.children[0].m
		}
		if m.Subject == "" {
			continue
		}
		have := table[m.Subject]
		switch {
		case have == nil:
			table[m.Subject] = r
		case !have.dummy && (r.dummy || have.reply && !m.Reply):
			have.into = r
			table[m.Subject] = r
		default:
			r.into = have
		}
		r.reply = m.Reply
	}
}

// merge puts a root into the one of its subject (step 5.C).
func (f *forest) merge(r *root) {
	top := r.into
	for top.into != nil {
		top = top.into
	}
	switch {
	case r.dummy: // then the other is one too
		top.c.children = append(top.c.children, r.c.children...)
	case top.dummy || r.reply && !top.reply:
		top.c.children = append(top.c.children, r.c)
	default:
		both := &root{c: &container{children: []*container{top.c, r.c}}, dummy: true}
		f.roots = append(f.roots, both)
		top.into, top.gone = both, true
	}
	r.gone = true
}

// refs gives the threads by their latest message, without gathering.
func (f *forest) refs() []Tree {
	var out []Tree
	for _, r := range f.roots {
		if r.dummy && len(r.c.children) == 0 {
			continue
		}
		t := Tree{Node: node(r.c)}
		if !r.dummy {
			t.Tie = r.c.m.Num
		}
		for todo := []*container{r.c}; len(todo) > 0; {
			c := todo[len(todo)-1]
			todo = append(todo[:len(todo)-1], c.children...)
			if c.m != nil {
				t.Date = max(t.Date, c.m.Date)
			}
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, Tree.Compare) // of those without a root, the one that was heard of first
	return out
}

// node gives what hangs below a container, ordered by date.
func node(c *container) *Node {
	n := &Node{}
	if c.m != nil {
		n.Num = c.m.Num
	}
	slices.SortFunc(c.children, byDate)
	for _, child := range c.children {
		n.Children = append(n.Children, node(child))
	}
	return n
}
