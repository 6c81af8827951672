package fault_test

import (
	"fmt"
	"testing"

	"inlay.example/inlay/internal/fault"
)

func TestFields(t *testing.T) {
	t.Parallel()
	var f fault.Fields
	if err := f.Err(); err != nil {
		t.Fatalf("nothing noted: %v", err)
	}
	f.Add("name", "must not be empty")
	f.Add("end", "must be after %s", "start")
	err := fmt.Errorf("checking: %w", f.Err())
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("kind: %v", fault.KindOf(err))
	}
	if got, want := fault.Public(err), "name: must not be empty; end: must be after start"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
