package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
)

// asideTime bounds what is done over a second connection.
const asideTime = 10 * time.Second

// aside is a second connection to the backend, with the person's own rights, for what must be
// done in another mailbox than the one that the client has open. It belongs to one goroutine.
type aside struct {
	session
	stop func() bool
}

// aside logs in again, if the login can be repeated. It ends with ctx.
func (s *session) aside(ctx context.Context) (*aside, error) {
	if s.cred == nil {
		return nil, errors.New("the login cannot be repeated")
	}
	if strings.ContainsAny(s.cred.user+s.cred.password, "\x00\r\n") {
		return nil, errors.New("logging in again: what cannot be quoted")
	}
	bc, err := s.g.dialer.DialFor(ctx, s.remote, s.g.respLimits)
	if err != nil {
		return nil, err
	}
	side := &aside{session: session{
		g: s.g, log: s.log, ctx: ctx, bc: bc, caps: bc.Caps, user: s.user,
		up: bufio.NewWriter(bc), out: bufio.NewWriter(discard{}), upLane: newLane(bc.Reader.Wait, bc.Reader.Buffered),
	}}
	// Not a deadline of the connection: exchange sets that anew for every command.
	side.stop = context.AfterFunc(ctx, func() { bc.Close() })
	tag := side.ownTag()
	login := imap.AppendQuoted([]byte(tag+" LOGIN "), s.cred.user)
	login = imap.AppendQuoted(append(login, ' '), s.cred.password)
	if res, err := side.exchange(tag, append(login, "\r\n"...), nil, nil); err != nil || !res.ok() {
		side.stop()
		bc.Close()
		return nil, fmt.Errorf("logging in again: %v %s", err, res.kind) //nolint:errorlint // may be nil
	}
	return side, nil
}

// open runs SELECT or EXAMINE, and gives the mailbox's UIDVALIDITY; 0 if the backend refuses.
func (x *aside) open(command, mailbox string) (validity uint32, err error) {
	res, err := x.own(command+" "+mailbox, x.collect("OK", heldLine, func(_ response.Head, rest []byte) error {
		if st := response.ParseStatus(rest); st.Code == "UIDVALIDITY" {
			n, err := strconv.ParseUint(strings.TrimSpace(string(st.CodeArgs)), 10, 32)
			validity = uint32(n)
			return wrapDesync(err)
		}
		return nil
	}))
	if !res.ok() {
		validity = 0
	}
	return validity, err
}

// leave ends it in good order.
func (x *aside) leave() {
	_, _ = x.own("LOGOUT", nil)
	x.stop()
	x.bc.Close()
}
