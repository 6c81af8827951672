package object_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/object/folder"
)

func TestBelow(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	whole, err := folder.New(folder.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	part := object.Below(whole, "a/b")
	if _, err := part.Put(ctx, "c/d", strings.NewReader("text"), 4); err != nil {
		t.Fatal(err)
	}
	if info, err := whole.Stat(ctx, "a/b/c/d"); err != nil || info.Size != 4 {
		t.Errorf("in the whole store: %+v, %v", info, err)
	}
	list, err := part.List(ctx, "c", "", 10)
	if err != nil || len(list) != 1 || list[0].Key != "c/d" {
		t.Errorf("listed: %+v, %v", list, err)
	}
	if list, err := part.List(ctx, "", "c/d", 10); err != nil || len(list) != 0 {
		t.Errorf("listed after the last: %+v, %v", list, err)
	}
	if _, err := part.Stat(ctx, "../x"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a key that leads out: %v", err)
	}
	if object.Below(whole, "") != object.Store(whole) {
		t.Error("an empty prefix is not the store itself")
	}
	r, _, err := object.Below(whole, "").Get(ctx, "a/b/c/d", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "xt" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := part.Delete(ctx, "c/d"); err != nil {
		t.Fatal(err)
	}
	if _, err := whole.Stat(ctx, "a/b/c/d"); !fault.Is(err, fault.NotFound) {
		t.Errorf("after deletion: %v", err)
	}
}
