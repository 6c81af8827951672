package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/injection"
)

// session is one client and its connection to the backend. All fields belong to the goroutine
// of run, except those that say otherwise.
type session struct {
	g *Gateway
	// service is the gateway's; nil for a plain proxy, which a session also is when the backend
	// took a login that names nobody: whose placements it would show is not known, and the mail
	// is served all the same.
	service *guard
	log     *slog.Logger
	ctx     context.Context //nolint:containedctx // ends with the session, which is its life; for calls of the middleware
	end     context.CancelFunc

	nc     net.Conn // the client's, TLS if there is TLS
	in     *command.Reader
	inLane *lane
	out    *bufio.Writer
	secure bool
	// compressed: COMPRESS is on, and nc compresses.
	compressed bool
	remote     string
	bc         *backend.Conn
	up         *bufio.Writer
	upLane     *lane
	caps       imap.Capabilities // the backend's, as last heard
	ownTags    uint64            // tags of the gateway's own commands so far

	loggingIn bool   // LOGIN or AUTHENTICATE is on the backend
	user      string // login name; empty before authentication
	clientID  map[string]string
	cred      *credentials // to take back copies over a second connection; see copy.go
	mbox      *mailbox     // the selected mailbox, nil if none
	nowhere   bool         // a SELECT failed: no mailbox is selected, whatever the backend thinks
	armed     bool         // the backend's connection has a read deadline
	lookup    *lookup      // the last lookup, nil for a plain proxy
	contested bool         // a claim of ours met another session's
	voided    bool         // a claim was voided by us
	nextLook  time.Time    // when an open mailbox is to ask by itself what is offered
	bell      *bell        // rung by other sessions and the change stream
	enabled   enabled      // by the client
	// ownModSeqs: a question of ours has enabled CONDSTORE on the backend. owning: a command of ours
	// is on the backend. modified: MODIFIED of the STORE in progress, to be told with its OK.
	// unasked: the backend tells HIGHESTMODSEQ to who has not asked for it. raisedAt: when this
	// session last raised HIGHESTMODSEQ for a change.
	ownModSeqs, owning bool
	unaskedHighest     bool
	raisedAt           time.Time
	modified           string

	within     bool // a command is being read, see patientConn; not while inLane is lent
	stallArmed bool // the client's connection has a read deadline because of it

	// mayExpunge: the command in progress allows EXPUNGE to be sent (rfc3501 §7.4.1).
	mayExpunge bool

	backendBye bool // the backend's BYE was relayed

	quit     chan struct{} // closed by drain
	quitOnce sync.Once
	aborted  atomic.Bool
	rawMu    sync.Mutex
	raw      []net.Conn // what abort closes; guarded by rawMu
}

const connBuffer = 4 << 10 // octets of each of the four buffers of a session

func newSession(g *Gateway, nc net.Conn, implicitTLS bool) *session {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{g: g, service: g.service, ctx: ctx, end: cancel, quit: make(chan struct{}), bell: newBell(), remote: nc.RemoteAddr().String(), raw: []net.Conn{nc}}
	s.log = g.log.With("remote", s.remote)
	if tc, ok := nc.(*net.TCPConn); ok {
		// Both sides answer line by line: waiting for more to send costs 40 ms a command.
		_ = tc.SetNoDelay(true)
	}
	if implicitTLS {
		nc = tls.Server(nc, g.cfg.TLS)
		s.secure = true
	}
	s.setClient(nc)
	return s
}

func (s *session) setClient(nc net.Conn) {
	s.nc = nc
	s.in = command.NewReader(patientConn{nc, s}, s.g.cmdLimits)
	s.inLane = newLane(s.in.Wait, s.in.Buffered)
	s.out = bufio.NewWriterSize(clientConn{slowConn{nc, writeTimeout}}, connBuffer)
}

// drain asks the session to say BYE when it is idle. It may be called from any goroutine.
func (s *session) drain() { s.quitOnce.Do(func() { close(s.quit) }) }

// abort cuts the session off. It may be called from any goroutine.
func (s *session) abort() {
	s.aborted.Store(true)
	s.end()
	s.rawMu.Lock()
	defer s.rawMu.Unlock()
	for _, c := range s.raw {
		c.Close()
	}
}

// errBye ends a session in good order: everything was said.
var errBye = errors.New("session over")

// desync is an error after which nothing that the backend says can be trusted to mean what we
// think: the session is closed, never papered over.
type desync struct{ err error }

func (d desync) Error() string { return "protocol desynchronised: " + d.err.Error() }
func (d desync) Unwrap() error { return d.err }

func (s *session) run() {
	defer s.end()
	defer s.close()
	defer func() {
		if s.user != "" {
			s.g.known.leave(s.user)
			s.g.bells.leave(s.user, s.bell)
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			s.g.metrics.closed.WithLabelValues("panic").Inc()
			s.log.Error("session ended by a defect", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			s.bye("Internal error")
		}
	}()
	err := s.serve()
	switch {
	case err == nil, errors.Is(err, errBye), s.aborted.Load(),
		errors.As(err, &backendGone{}) && s.backendBye: // it has said so itself
		_ = s.nc.SetWriteDeadline(time.Now().Add(2 * time.Second))
		_ = s.out.Flush()
	case s.compressed && fault.Is(err, fault.Invalid) && !errors.As(err, &desync{}): // see deflate.Conn.Read
		s.g.metrics.closed.WithLabelValues("compressed").Inc()
		s.bye(fault.Public(err))
	case errors.As(err, &desync{}), fault.Is(err, fault.Invalid):
		s.g.metrics.closed.WithLabelValues("desync").Inc()
		s.log.Error("session closed", "error", err)
		s.bye("The mail server's answer was not understood, please connect again")
	case errors.As(err, &backendGone{}):
		s.g.metrics.closed.WithLabelValues("backend").Inc()
		s.log.Info("backend gone", "error", err)
		s.bye("The mail server has closed the connection")
	case errors.As(err, &clientGone{}), errors.Is(err, io.EOF):
		s.log.Debug("client gone", "error", err)
	case errors.Is(err, os.ErrDeadlineExceeded) && s.user == "":
		s.bye("Too long before login")
	case errors.Is(err, os.ErrDeadlineExceeded): // see patientConn
		s.g.metrics.closed.WithLabelValues("stalled").Inc()
		s.bye("Too long in the middle of a command")
	case fault.Is(err, fault.TooLarge):
		s.g.metrics.closed.WithLabelValues("too_large").Inc()
		s.bye(fault.Public(err))
	default:
		s.log.Debug("session ended", "error", err)
	}
}

// clientGone marks an error of writing to the client. What fails while a response is relayed
// would else be taken for the backend's.
type clientGone struct{ err error }

func (c clientGone) Error() string { return "client: " + c.err.Error() }
func (c clientGone) Unwrap() error { return c.err }

// clientConn marks errors of writing.
type clientConn struct{ slowConn }

func (c clientConn) Write(b []byte) (int, error) {
	n, err := c.slowConn.Write(b)
	if err != nil {
		err = clientGone{err}
	}
	return n, err
}

// backendGone marks an error of the backend's connection.
type backendGone struct{ err error }

func (b backendGone) Error() string { return "backend: " + b.err.Error() }
func (b backendGone) Unwrap() error { return b.err }

// bye says BYE as well as it can.
func (s *session) bye(text string) {
	_ = s.nc.SetWriteDeadline(time.Now().Add(2 * time.Second))
	fmt.Fprintf(s.out, "* BYE %s\r\n", text)
	_ = s.out.Flush()
}

func (s *session) close() {
	_ = s.nc.Close() // with TLS: close_notify first
	s.rawMu.Lock()
	defer s.rawMu.Unlock()
	for _, c := range s.raw {
		c.Close()
	}
}

// serve is the life of a session after accept.
func (s *session) serve() error {
	// A client that says nothing, or dribbles, must not hold a connection to the backend.
	_ = s.nc.SetReadDeadline(time.Now().Add(s.g.cfg.LoginTimeout))
	waiting := true
	if tc, ok := s.nc.(*tls.Conn); ok {
		ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
		defer cancel()
		if err := tc.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS handshake with the client: %w", err)
		}
	}
	if err := s.connect(); err != nil {
		s.log.Warn("backend not usable", "error", err)
		s.g.metrics.closed.WithLabelValues("backend").Inc()
		s.bye("The mail server is not available, please try again later")
		return errBye
	}
	if err := s.greet(); err != nil {
		return err
	}
	for {
		if err := s.idle(); err != nil {
			return err
		}
		s.expectMore(true)
		cmd, err := s.in.Read(s.continuation)
		if bad := (*command.BadError)(nil); errors.As(err, &bad) {
			s.expectMore(false)
			s.line(bad.Tag + " BAD " + bad.Text)
			continue
		}
		if err != nil {
			return err
		}
		s.mayExpunge = tellsExpunge(cmd)
		err = s.dispatch(cmd)
		s.mayExpunge = false
		s.expectMore(false)
		if err != nil {
			return err
		}
		if waiting && s.user != "" {
			waiting = false
			_ = s.nc.SetReadDeadline(time.Time{})
		}
	}
}

func (s *session) connect() error {
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	bc, err := s.g.dialer.DialFor(ctx, s.remote, s.g.respLimits)
	if err != nil {
		return err
	}
	s.rawMu.Lock()
	s.raw = append(s.raw, bc)
	s.rawMu.Unlock()
	if s.aborted.Load() {
		bc.Close() // abort may have come before it was in the list
	}
	s.bc = bc
	s.up = bufio.NewWriterSize(slowConn{bc, writeTimeout}, connBuffer)
	s.upLane = newLane(bc.Reader.Wait, bc.Reader.Buffered)
	s.noteCaps(bc.Caps)
	return nil
}

// idle waits for the client's next command, relaying what the backend says meanwhile.
func (s *session) idle() error {
	for {
		if !s.inLane.lent && s.in.Buffered() > 0 { // lent, it is not ours to ask
			return nil // pipelined: what was answered is flushed with the next answer
		}
		if err := s.out.Flush(); err != nil {
			return err
		}
		select {
		case <-s.inLane.watch():
			s.inLane.taken()
			return nil
		case <-s.watchBackend():
			s.upLane.taken()
			if err := s.unasked(); err != nil {
				return err
			}
		case <-s.quit:
			s.bye("Server shutting down")
			return errBye
		}
	}
}

// watchBackend is upLane.watch while the backend need not say anything.
func (s *session) watchBackend() <-chan struct{} {
	if s.armed {
		s.armed = false
		_ = s.bc.SetReadDeadline(time.Time{})
	}
	return s.upLane.watch()
}

// line writes a line of the gateway's own to the client.
func (s *session) line(text string) {
	_, _ = s.out.WriteString(text)
	_, _ = s.out.WriteString("\r\n")
}

// continuation asks the client for a synchronising literal.
func (s *session) continuation() error {
	s.line("+ OK")
	return s.out.Flush()
}

// ownTag makes a tag for a command of the gateway's own. Only one command is ever under way,
// so it need not differ from the client's tags.
func (s *session) ownTag() string {
	s.ownTags++
	return "inlay" + strconv.FormatUint(s.ownTags, 10)
}

func (s *session) person() injection.Person {
	return injection.Person{Tenant: s.g.cfg.Tenant, User: s.user}
}
