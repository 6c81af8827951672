package course_test

import (
	"flag"
	"fmt"
	"hash/maphash"
	"strings"
	"testing"
)

// all is for when the protocol is worked on: go test -run TestExplore ./internal/gateway/course -args -all.
var all = flag.Bool("all", false, "explore the long scenarios too")

// TestExplore walks all interleavings of three sessions on two gateways: injections, a
// withdrawal, flag changes and a removal from two sides, real mail that comes and goes, answers of
// the store that are late or lost, gateways that are killed between any two steps. In each state
// that can be reached the promises of virtual-mailbox.md §7 are checked, see check.
//
// What is done next is asked of the tables of this package and of internal/placement, on which the
// gateway and the middleware run; the model has only what is around them: a mailbox, a ledger, and
// what each client was told.
func TestExplore(t *testing.T) {
	t.Parallel()
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.long && !*all {
				t.Skip("millions of states: -args -all walks them too")
			}
			e := explore(c, theRules(), 0)
			t.Logf("%d states", e.states)
			if e.broken != "" {
				t.Errorf("%s, after\n  %s", e.broken, strings.Join(e.path(), "\n  "))
			}
			if e.states < 1000 {
				t.Errorf("only %d states: the scenario does nothing", e.states)
			}
		})
	}
}

// TestEveryRuleIsNeeded switches one rule off at a time, and expects that some promise is broken.
func TestEveryRuleIsNeeded(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			r := theRules()
			m.off(&r)
			e := explore(scenarios[m.in], r, 0)
			if e.broken == "" {
				t.Fatalf("nothing breaks without this rule in %d states", e.states)
			}
			t.Logf("%s, after\n  %s", e.broken, strings.Join(e.path(), "\n  "))
		})
	}
}

// scenario says how often what may happen.
type scenario struct {
	name string
	long bool
	// condstore: the clients use mod-sequences, and each that they hear rings.
	condstore bool
	live      bool   // the first campaign is in the view of everybody at the beginning
	budget    budget // of everything that may happen
}

// budget is how often things may happen still.
type budget struct {
	injects, arrives, expunges, withdraws uint8
	flags, removals, touches              uint8
	kills, lost, found                    uint8
}

// exploration is a walk through all states.
type exploration struct {
	c      scenario
	r      rules
	seen   map[[2]uint64]struct{}
	seeds  [2]maphash.Seed
	nodes  []node
	todo   []todo
	states int
	broken string
	at     int32 // the node that is looked at
}

// node is how a state was reached.
type node struct {
	from int32
	what string
}

type todo struct {
	s    state
	node int32
}

// explore visits every state once, or until a promise is broken, or up to most states (0: all).
func explore(c scenario, r rules, most int) *exploration {
	e := &exploration{c: c, r: r, seen: map[[2]uint64]struct{}{}, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	e.at = -1
	e.reach(c.begin(), "begin")
	for len(e.todo) > 0 && e.broken == "" && (most == 0 || e.states < most) {
		last := e.todo[len(e.todo)-1]
		e.todo = e.todo[:len(e.todo)-1]
		e.at = last.node
		e.steps(last.s)
	}
	return e
}

// reach notes a state that follows the one that is looked at.
func (e *exploration) reach(s state, what string, args ...any) {
	if e.broken != "" {
		return
	}
	key := [2]uint64{maphash.Comparable(e.seeds[0], s), maphash.Comparable(e.seeds[1], s)}
	if _, known := e.seen[key]; known {
		return
	}
	e.seen[key] = struct{}{}
	e.states++
	if len(args) > 0 {
		what = fmt.Sprintf(what, args...)
	}
	e.nodes = append(e.nodes, node{e.at, what})
	n := int32(len(e.nodes) - 1) //nolint:gosec // far fewer states fit into memory
	if e.broken = e.check(&s); e.broken != "" {
		e.at = n
		return
	}
	e.todo = append(e.todo, todo{s, n})
}

// path tells how the state that is looked at was reached.
func (e *exploration) path() []string {
	var out []string
	for n := e.at; n >= 0; n = e.nodes[n].from {
		out = append([]string{e.nodes[n].what}, out...)
	}
	return out
}
