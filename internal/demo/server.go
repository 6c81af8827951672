package demo

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"inlay.example/inlay/internal/fault"
)

// Config of the mail server.
type Config struct {
	// UIDValidity of all mailboxes; it must be greater than that of the start before.
	UIDValidity uint32
	// Now is when the mail is seen from: the youngest is a few minutes older.
	Now time.Time
	Log *slog.Logger // nil: nothing is logged
}

// Server is the mail server. It is safe for concurrent use.
type Server struct {
	imap     *imapserver.Server
	accounts map[string]*account // by login
}

// New returns a server with everybody's mail in it.
func New(cfg Config) (*Server, error) {
	if cfg.UIDValidity == 0 {
		return nil, fault.New(fault.Internal, "a UIDVALIDITY is not 0")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{accounts: map[string]*account{}}
	for _, p := range People() {
		a := newAccount(p, cfg.UIDValidity)
		mails, err := mailOf(p, cfg.Now)
		if err != nil {
			return nil, err
		}
		for _, m := range mails {
			a.boxes["INBOX"].append(m.raw, m.flags, m.date)
		}
		s.accounts[p.Login] = a
	}
	s.imap = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &session{server: s}, nil, nil
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapUIDPlus: {}, imap.CapNamespace: {}, imap.CapESearch: {},
			imap.CapSpecialUse: {}, imap.CapChildren: {}, imap.CapLiteralPlus: {},
		},
		InsecureAuth: true, // loopback; see the package's comment
		Logger:       slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	})
	return s, nil
}

// Serve serves ln until Close, and closes it.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	if err := s.imap.Serve(ln); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Close ends all connections and listeners.
func (s *Server) Close() error { return s.imap.Close() }

// Run serves ln until ctx ends.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	return errors.Join(s.Close(), <-served)
}

// login finds the account; the comparison takes as long for every password.
func (s *Server) login(user, password string) (*account, error) {
	a := s.accounts[user]
	if a == nil {
		return nil, imapserver.ErrAuthFailed
	}
	got, want := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(a.person.Password))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return nil, imapserver.ErrAuthFailed
	}
	return a, nil
}
