package middleware_test

import (
	"testing"

	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/injection/injectiontest"
)

func TestInProcess(t *testing.T) {
	t.Parallel()
	injectiontest.Run(t, func(t *testing.T) (injection.Service, injectiontest.Admin) {
		w := newWorld(t)
		return w.instance(t), w
	})
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	injectiontest.Run(t, func(t *testing.T) (injection.Service, injectiontest.Admin) {
		w := newWorld(t)
		return newClient(t, serve(t, w.instance(t))), w
	})
}

// Two instances know nothing of each other but the store: nothing may depend on their locks.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	injectiontest.Run(t, func(t *testing.T) (injection.Service, injectiontest.Admin) {
		w := newWorld(t)
		return &alternating{of: []injection.Service{w.instance(t), newClient(t, serve(t, w.instance(t))), w.instance(t)}}, w
	})
}
