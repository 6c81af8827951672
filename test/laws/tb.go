package laws

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// scope is a testing.TB whose cleanups run when a function ends: peers that a long run starts
// again and again must not all live until its end. Around it may be a test, or a program's own.
type scope struct {
	testing.TB // around; nil for a program's outermost

	mu      sync.Mutex
	cleanup []func() // guarded by mu
	failed  bool     // guarded by mu
}

// stopped ends a scope in which something failed for good.
type stopped struct{ why string }

// Within runs f with a testing.TB of its own, and its cleanups after it. t may be nil, for a
// program that is no test: what fails is written to standard error then. It reports whether
// nothing has failed.
func Within(t testing.TB, f func(testing.TB)) (ok bool) {
	s := &scope{TB: t}
	defer func() {
		e := recover()
		if why, is := e.(stopped); is {
			s.Errorf("%s", why.why)
			e = nil
		}
		for {
			s.mu.Lock()
			n := len(s.cleanup)
			if n == 0 {
				ok = !s.failed
				s.mu.Unlock()
				break
			}
			c := s.cleanup[n-1]
			s.cleanup = s.cleanup[:n-1]
			s.mu.Unlock()
			c()
		}
		if e != nil {
			panic(e)
		}
	}()
	f(s)
	return
}

func (s *scope) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanup = append(s.cleanup, f)
}

func (s *scope) Helper() {}

func (s *scope) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

func (s *scope) Errorf(format string, args ...any) {
	s.mu.Lock()
	s.failed = true
	s.mu.Unlock()
	if s.TB != nil {
		s.TB.Errorf(format, args...)
		return
	}
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

func (s *scope) Error(args ...any) { s.Errorf("%s", fmt.Sprint(args...)) }

// Logf is shown by a test, and by a program when something has failed: peers log then.
func (s *scope) Logf(format string, args ...any) {
	if s.TB != nil {
		s.TB.Logf(format, args...)
		return
	}
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

func (s *scope) Log(args ...any)                   { s.Logf("%s", fmt.Sprint(args...)) }
func (s *scope) Fatalf(format string, args ...any) { panic(stopped{fmt.Sprintf(format, args...)}) }
func (s *scope) Fatal(args ...any)                 { s.Fatalf("%s", fmt.Sprint(args...)) }

// Skipf of a program is an error: there is nobody who could do without.
func (s *scope) Skipf(format string, args ...any) {
	if s.TB != nil {
		s.TB.Skipf(format, args...)
	}
	s.Fatalf(format, args...)
}

func (s *scope) Skip(args ...any) { s.Skipf("%s", fmt.Sprint(args...)) }
func (s *scope) Name() string     { return "laws" }

// TempDir is one that goes with the scope.
func (s *scope) TempDir() string {
	dir, err := os.MkdirTemp("", "inlay-laws-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
