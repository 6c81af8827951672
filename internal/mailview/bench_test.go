package mailview_test

import (
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/mailview"
)

// A big mailbox with more injected messages than anybody is shown: numbers must cost what
// they cost in a small one.
func BenchmarkTranslate(b *testing.B) {
	const real, injected = 1_000_000, 10
	v := mailview.New(real)
	for i := range injected {
		if _, err := v.Inject(imap.UID(real+1+i), uint32(real*(i+1)/injected)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("backend", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := v.BackendSeq(real / 2); !ok {
				b.Fatal("no such number")
			}
		}
	})
	b.Run("client", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := v.ClientSeq(real / 2); !ok {
				b.Fatal("no such number")
			}
		}
	})
	b.Run("split all", func(b *testing.B) {
		b.ReportAllocs()
		var all imap.Set
		all.AddRange(1, real+injected)
		for b.Loop() {
			if _, in, _ := v.Split(all); len(in) != injected {
				b.Fatalf("%d injected messages, not %d", len(in), injected)
			}
		}
	})
	b.Run("client all", func(b *testing.B) {
		b.ReportAllocs()
		var all imap.Set
		all.AddRange(1, real)
		for b.Loop() {
			if got := v.ToClient(all); got.Len() != real {
				b.Fatalf("%d messages, not %d", got.Len(), real)
			}
		}
	})
	b.Run("split every second", func(b *testing.B) {
		b.ReportAllocs()
		var half imap.Set
		for n := uint32(1); n < 20000; n += 2 {
			half.Add(n)
		}
		for b.Loop() {
			if got, _, _ := v.Split(half); got.Len() != half.Len() {
				b.Fatalf("%d messages, not %d", got.Len(), half.Len())
			}
		}
	})
}
