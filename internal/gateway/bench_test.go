package gateway_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"inlay.example/inlay/internal/gateway"
)

// session opens one through a gateway on loopback.
func session(b *testing.B, d dummy, svc *fakeService) *talker {
	b.Helper()
	var deps gateway.Deps
	if svc != nil {
		deps.Injection = svc
	}
	k := dialIMAP(b, serveTCP(b, gateway.Config{}, deps, false, d.talk))
	k.line()
	k.ok("LOGIN anna secret")
	if svc != nil && svc.used() {
		k.opens(4)
	} else {
		k.opens(3)
	}
	return k
}

// BenchmarkSessionNOOP is a round trip through the gateway, on loopback.
func BenchmarkSessionNOOP(b *testing.B) {
	for name, svc := range map[string]*fakeService{"plain": nil, "nothing injected": newFakeService(), "one injected": withLive(b)} {
		b.Run(name, func(b *testing.B) {
			k := session(b, dummy{}, svc)
			b.ReportAllocs()
			for b.Loop() {
				k.say("t NOOP")
				k.line()
			}
		})
	}
}

// BenchmarkSessionPipelined sends a hundred commands at once: the gateway has one of them on the
// backend at any time (docs/adr/001), and "direct" shows what that costs.
func BenchmarkSessionPipelined(b *testing.B) {
	const n = 100
	run := func(b *testing.B, k *talker) {
		b.Helper()
		text := strings.Repeat("t NOOP\r\n", n)
		for b.Loop() {
			if _, err := io.WriteString(k.c, text); err != nil {
				b.Fatal(err)
			}
			for range n {
				k.line()
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/command")
	}
	b.Run("direct", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer ln.Close()
		go func() {
			if c, err := ln.Accept(); err == nil {
				dummy{}.talk(c)
			}
		}()
		k := dialIMAP(b, ln.Addr().String())
		k.line()
		run(b, k)
	})
	b.Run("gateway", func(b *testing.B) { run(b, session(b, dummy{}, newFakeService())) })
}

// BenchmarkSessionFetch streams a message of 1 MiB.
func BenchmarkSessionFetch(b *testing.B) {
	const size = 1 << 20
	for name, svc := range map[string]*fakeService{"plain": nil, "one injected": withLive(b)} {
		b.Run(name, func(b *testing.B) {
			k := session(b, dummy{size: size}, svc)
			b.ReportAllocs()
			b.SetBytes(size)
			head := len(fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}\r\n", size))
			for b.Loop() {
				k.say("t FETCH 1 (BODY[])")
				if _, err := io.CopyN(io.Discard, k.r, int64(head+size+len(")\r\n"))); err != nil {
					b.Fatal(err)
				}
				if l := k.line(); !strings.HasPrefix(l, "t OK") {
					b.Fatalf("heard %q", l)
				}
			}
		})
	}
}

// BenchmarkSessionFetchInjected is a FETCH of an injected message.
func BenchmarkSessionFetchInjected(b *testing.B) {
	k := session(b, dummy{}, withLive(b))
	b.ReportAllocs()
	for b.Loop() {
		k.ok("UID FETCH 3 (FLAGS BODY.PEEK[])")
	}
}

// BenchmarkSessionSelect opens a mailbox, with the lookups that it needs.
func BenchmarkSessionSelect(b *testing.B) {
	for name, svc := range map[string]*fakeService{"plain": nil, "nothing injected": newFakeService(), "one injected": withLive(b)} {
		b.Run(name, func(b *testing.B) {
			k := session(b, dummy{}, svc)
			b.ReportAllocs()
			for b.Loop() {
				k.ok("SELECT INBOX")
			}
		})
	}
}

// BenchmarkSessionIdleMemory tells what a session costs that does nothing, both sides of the
// test's own connections included.
func BenchmarkSessionIdleMemory(b *testing.B) {
	addr := serveTCP(b, gateway.Config{}, gateway.Deps{Injection: withLive(b)}, false, dummy{}.talk)
	const n = 200
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var all []*talker
		for range n {
			k := dialIMAP(b, addr)
			k.line()
			k.ok("LOGIN anna secret")
			k.opens(4)
			all = append(all, k)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapInuse-before.HeapInuse+after.StackInuse-before.StackInuse)/n, "octets/session")
		for _, k := range all {
			k.c.Close()
		}
	}
}
