// Package peertest starts the real programs that tests speak to: an IMAP server that nobody
// here wrote, and what belongs to it.
//
// Every peer is a child process of the test, with configuration and data in a directory of its
// own, on free loopback ports, and is gone when the test is: nothing is installed, nothing of
// the machine's own services is touched, and any number of tests may run at the same time. It
// needs no root; as root, the peer's processes run as an unprivileged account.
//
// A program that is not there skips the test, with a line that says what to install. With
// REQUIRE_PEERS=1 in the environment, as in CI, it fails the test instead: a suite that is
// green because it skipped everything proves nothing.
//
// It knows nothing of the gateway or the middleware, and is imported by tests only.
//
// Why not containers: they need a daemon and rights that neither CI nor every desk has, and
// take longer to start than most of these tests take to run.
package peertest
