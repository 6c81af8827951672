package course_test

import (
	"testing"

	"inlay.example/inlay/internal/gateway/course"
)

var outcomes = []course.Outcome{course.Unknown, course.Done, course.Refused, course.Newer, course.NotAbove}

// step is what the three courses have in common.
type step[S any] interface {
	comparable
	Do() course.Act
	Next(course.Outcome) S
}

// walks gives every walk through a course, as its acts and the outcomes between them; one that
// waits for a claim is cut off behind the second reading.
func walks[S step[S]](s S, visit func(acts []course.Act, outs []course.Outcome)) {
	var walk func(s S, acts []course.Act, outs []course.Outcome)
	walk = func(s S, acts []course.Act, outs []course.Outcome) {
		acts = append(acts[:len(acts):len(acts)], s.Do())
		if s.Do() == course.End || len(acts) > 12 {
			visit(acts, outs)
			return
		}
		for _, o := range outcomes {
			walk(s.Next(o), acts, append(outs[:len(outs):len(outs)], o))
		}
	}
	walk(s, nil, nil)
}

// before reports whether the last b is preceded by an a that ended with Done.
func before(acts []course.Act, outs []course.Outcome, a, b course.Act) bool {
	done := false
	for i, act := range acts {
		if act == b {
			return done
		}
		done = done || act == a && outs[i] == course.Done
	}
	return true // there is no b
}

func TestChange(t *testing.T) {
	t.Parallel()
	told := 0
	walks(course.NewChange(true), func(acts []course.Act, outs []course.Outcome) {
		if acts[len(acts)-1] != course.End {
			t.Errorf("%v does not end", acts)
		}
		for _, rule := range []struct{ a, b course.Act }{{course.Write, course.Raise}, {course.Raise, course.Settle}, {course.Write, course.Tell}} {
			if !before(acts, outs, rule.a, rule.b) {
				t.Errorf("%v before %v is done: %v %v", rule.b, rule.a, acts, outs)
			}
		}
		raises := 0
		for i, a := range acts {
			if a == course.Raise {
				raises++
			}
			if a == course.Tell {
				told++
			}
			if a == course.Deny && outs[0] == course.Done {
				t.Errorf("what was written is denied: %v %v", acts, outs)
			}
			if a == course.Raise && outs[i] == course.Unknown && acts[i+1] != course.End {
				t.Errorf("told over a connection that is gone: %v", acts)
			}
		}
		if raises > course.MaxRaises {
			t.Errorf("raised %d times: %v", raises, acts)
		}
	})
	if told == 0 {
		t.Error("nothing is ever told")
	}
	walks(course.NewChange(false), func(acts []course.Act, _ []course.Outcome) {
		for _, a := range acts {
			if a == course.Raise || a == course.Settle {
				t.Errorf("%v where there are no mod-sequences", acts)
			}
		}
	})
	if got := course.Found(false).Do(); got != course.Settle {
		t.Errorf("found where there are no mod-sequences: %v", got)
	}
	walks(course.Found(true), func(acts []course.Act, outs []course.Outcome) {
		if acts[0] != course.Raise || !before(acts, outs, course.Raise, course.Settle) {
			t.Errorf("found: %v %v", acts, outs)
		}
	})
}

func TestInjection(t *testing.T) {
	t.Parallel()
	told := 0
	walks(course.NewInjection(), func(acts []course.Act, outs []course.Outcome) {
		if acts[len(acts)-1] != course.End {
			t.Errorf("%v does not end", acts)
		}
		order := []course.Act{course.Claim, course.Append, course.Expunge, course.Confirm, course.Tell}
		for i := range order[1:] {
			if !before(acts, outs, order[i], order[i+1]) {
				t.Errorf("%v before %v is done: %v %v", order[i+1], order[i], acts, outs)
			}
		}
		for i, a := range acts {
			if a == course.Tell {
				told++
			}
			if a == course.Append && outs[i] == course.Refused && acts[i+1] != course.Release {
				t.Errorf("a claim is kept without a marker: %v", acts)
			}
		}
	})
	if told == 0 {
		t.Error("nothing is ever told")
	}
}

func TestBell(t *testing.T) {
	t.Parallel()
	walks(course.NewBell(), func(acts []course.Act, outs []course.Outcome) {
		if acts[0] != course.Read {
			t.Errorf("not read first: %v", acts)
		}
		for i, a := range acts {
			if a != course.Tell {
				continue
			}
			clear := acts[i-1] == course.Read && outs[i-1] == course.Done
			if !clear && acts[i-1] != course.Note {
				t.Errorf("told while a claim is alive: %v %v", acts, outs)
			}
		}
	})
	for _, c := range []struct {
		claims         int
		waited, lapsed bool
		want           course.Outcome
	}{{0, true, true, course.Done}, {1, false, false, course.Newer}, {2, true, false, course.NotAbove}, {1, false, true, course.NotAbove}} {
		if got := course.Claimed(c.claims, c.waited, c.lapsed); got != c.want {
			t.Errorf("Claimed(%d, %v, %v) = %v, want %v", c.claims, c.waited, c.lapsed, got, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		modSeq  uint64
		pending bool
		since   uint64
		want    bool
	}{{5, false, 5, true}, {5, false, 6, false}, {5, true, 1 << 62, true}, {0, false, 0, true}, {0, false, 1, false}} {
		if got := course.Matches(c.modSeq, c.pending, c.since); got != c.want {
			t.Errorf("Matches(%d, %v, %d) = %v", c.modSeq, c.pending, c.since, got)
		}
	}
	if course.Rings(5, 5) || !course.Rings(6, 5) {
		t.Error("a mod-sequence rings exactly when it is above the one known")
	}
}
