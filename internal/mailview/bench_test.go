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

// A whole mailbox arrives at once, is looked at and told message by message.
func BenchmarkNews(b *testing.B) {
	const n = 100_000
	b.ReportAllocs()
	for b.Loop() {
		v := mailview.New(0)
		if err := v.Arrive(n); err != nil {
			b.Fatal(err)
		}
		for i := range imap.SeqNum(n) {
			if err := v.Hide(i+1, imap.UID(i+1)); err != nil {
				b.Fatal(err)
			}
		}
		for i := range imap.SeqNum(n) {
			if err := v.Reveal(i + 1); err != nil {
				b.Fatal(err)
			}
		}
		if !v.Identity() {
			b.Fatal("the lists differ")
		}
	}
}

// A thousand messages, every second one of a mailbox, go while nothing may be told.
func BenchmarkGhosts(b *testing.B) {
	const n = 1000
	b.ReportAllocs()
	for b.Loop() {
		v := mailview.New(2 * n)
		for i := range imap.SeqNum(n) {
			if err := v.Expunge(i + 1); err != nil {
				b.Fatal(err)
			}
		}
		told := 0
		if err := v.TellGhosts(func(imap.SeqNum) error { told++; return nil }); err != nil || told != n {
			b.Fatal(told, err)
		}
	}
}
