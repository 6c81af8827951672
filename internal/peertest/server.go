package peertest

import "testing"

// Server is a running IMAP server that nobody here wrote: what the tests of laws and clients
// need of one, whichever it is.
type Server interface {
	Kind() Backend
	// Address is host:port of IMAP without TLS. Any user name is accepted with the password.
	Address() string
	// Deliver appends messages to a mailbox, in order, making the mailbox if it is not there.
	Deliver(t testing.TB, user, mailbox string, msgs ...Message)
	// Dump lists all messages of all mailboxes of a user, by mailbox and UID.
	Dump(t testing.TB, user string) []Listed
	// Status is what the server says of a mailbox that nobody has selected here.
	Status(t testing.TB, user, mailbox string) Status
	// Serves reports whether the server has a session of the user.
	Serves(t testing.TB, user string) bool
	// Stop ends the server before the test does, with all its connections.
	Stop(t testing.TB)
}

// Backend names a kind of server.
type Backend string

// The servers that the gateway is tested in front of.
const (
	DovecotBackend Backend = "dovecot"
	CyrusBackend   Backend = "cyrus"
)

// Backends are all of them.
func Backends() []Backend { return []Backend{DovecotBackend, CyrusBackend} }

// StartBackend starts a server of the kind, as it is without options.
func StartBackend(t testing.TB, b Backend) Server {
	t.Helper()
	switch b {
	case DovecotBackend:
		return StartDovecot(t, Options{})
	case CyrusBackend:
		return StartCyrus(t, CyrusOptions{})
	}
	t.Fatalf("no backend is called %q", b)
	return nil
}

// OnBackends runs a test once in front of each kind of server.
func OnBackends(t *testing.T, test func(*testing.T, Backend)) {
	t.Helper()
	for _, b := range Backends() {
		t.Run(string(b), func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}
