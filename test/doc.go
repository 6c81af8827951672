// Package test holds the tests of the whole system: store, middleware and gateways as they are
// put together in production, in front of a real IMAP server, with real clients.
//
// What is proven here is what no package can prove alone:
//
//	dialogue_test.go   nothing injected: byte for byte the bare server (erasure law)
//	delivery_test.go   injected: as if it had been delivered (delivery law, random dialogues)
//	clients_test.go    curl, imaplib, imapclient, go-imap in front of 1,000 mails; mbsync_test.go, neomutt_test.go
//	program_test.go    the built program: demo in front of a mail server, campaign run, recall
//	sessions_test.go   several sessions, several gateways, one store
//	crash_test.go      a gateway killed after every step of a reservation
//	crashes_test.go    gateways killed at random, again and again, while people work
//	faults_test.go     middleware, store and objects stopped, hung or talking nonsense
//	crowd_test.go      many sessions, deliveries, flag rewriters and campaigns at the same time
//	limits_test.go     quota, rights, UIDVALIDITY, read-only
//	tls_test.go        STARTTLS and implicit TLS on both sides
//
// The parts run in the test's process where a test needs to see into them, and as processes of
// their own where it is about processes: the test binary is its own gateway then (child_test.go).
// Peers are started by internal/peertest; docs/testing.md says how to add one.
//
// There is nothing in this package to import.
package test
