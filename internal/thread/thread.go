package thread

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
)

// Message is what threads are made of.
type Message struct {
	Num     uint32   // its number or UID: the order of the mailbox; above 0
	ID      string   // of Message-ID; empty if it has none
	Refs    []string // ids that it refers to, the eldest first
	Subject string   // base subject; empty gathers nothing in REFERENCES
	Reply   bool     // the subject is one of a reply or a forward
	Date    int64    // sent date
}

// Node is a message with what hangs below it. Num is 0 of one that stands for a message that is
// not there, which has children and no parent.
type Node struct {
	Num      uint32
	Children []*Node
}

// Tree is a thread with what it is ordered by: Date, and Tie where that is equal.
type Tree struct {
	*Node
	Date int64
	Tie  uint32
}

// Compare orders threads.
func (t Tree) Compare(u Tree) int {
	return cmp.Or(cmp.Compare(t.Date, u.Date), cmp.Compare(t.Tie, u.Tie))
}

// Build makes threads of messages, in their order. It takes the square of the number of messages
// at worst, if they refer to each other in one long chain.
func Build(a imap.ThreadAlgorithm, msgs []Message) []Tree {
	msgs = slices.Clone(msgs)
	slices.SortFunc(msgs, func(x, y Message) int { return cmp.Compare(x.Num, y.Num) })
	switch a {
	case imap.ThreadOrderedSubject:
		return orderedSubject(msgs)
	case imap.ThreadReferences:
		f := link(msgs)
		return f.references()
	default:
		f := link(msgs)
		return f.refs()
	}
}

// orderedSubject: messages of one subject are one thread, the first of them the parent of all
// others.
func orderedSubject(msgs []Message) []Tree {
	slices.SortStableFunc(msgs, func(x, y Message) int {
		return cmp.Or(strings.Compare(x.Subject, y.Subject), cmp.Compare(x.Date, y.Date))
	})
	var out []Tree
	for i, m := range msgs {
		n := &Node{Num: m.Num}
		if i > 0 && msgs[i-1].Subject == m.Subject {
			first := out[len(out)-1].Node
			first.Children = append(first.Children, n)
			continue
		}
		out = append(out, Tree{n, m.Date, m.Num})
	}
	slices.SortFunc(out, Tree.Compare)
	return out
}

// String writes the thread as servers do.
//
//	thread-list    = "(" (thread-members / thread-nested) ")"      (rfc5256 §5)
//	thread-members = nz-number *(SP nz-number) [SP thread-nested]
//	thread-nested  = 2*thread-list
func (n *Node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *Node) write(b *strings.Builder) {
	b.WriteByte('(')
	for ; ; n = n.Children[0] { // a chain may be as long as there are messages
		if n.Num != 0 {
			b.WriteString(strconv.FormatUint(uint64(n.Num), 10))
		}
		if len(n.Children) > 0 && n.Num != 0 {
			b.WriteByte(' ')
		}
		if len(n.Children) != 1 {
			break
		}
	}
	for _, c := range n.Children {
		c.write(b)
	}
	b.WriteByte(')')
}

// Numbers gives all messages of the tree, each before what hangs below it.
func (n *Node) Numbers() []uint32 {
	var out []uint32
	todo := []*Node{n}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n.Num != 0 {
			out = append(out, n.Num)
		}
		for _, c := range slices.Backward(n.Children) {
			todo = append(todo, c)
		}
	}
	return out
}
