// Package bench measures the gateway beside two proxies that mail providers run, nginx's mail
// proxy and HAProxy, in front of one real Dovecot, in one run: round trips, login, throughput,
// and memory per idle session.
//
// It must not know the gateway from inside: bin/inlay is a child process like the other two,
// and what is measured is what a client sees on a socket and the kernel says of a process.
//
// How to read the figures: measurements of all targets are interleaved, so that whatever else
// the machine does hits all of them alike; ratios within one run mean something, figures of
// different runs or machines beside each other do not. Client, proxies and server share the
// same cores, so throughput is that of the machine and not of a proxy alone.
//
// It asserts nothing about speed: a figure is for people (docs/performance.md). It does say
// which commands take 35 to 50 ms, the sign of a write that waits for a delayed ACK.
//
// Run by "make bench". Why a Go benchmark and not a load tool: none of those at hand speaks
// IMAP to four servers in turn and reads the memory of each.
package bench
