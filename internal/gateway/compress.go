package gateway

import (
	"inlay.example/inlay/internal/gateway/deflate"
	"inlay.example/inlay/internal/imap/command"
)

const compression = "COMPRESS=DEFLATE"

// compress runs COMPRESS, which ends here: the backend never hears of it, and need not have it.
//
// rfc4978 §3: the answer is the last that is not compressed. A client must not send anything
// before it has seen it; what came all the same is taken for compressed, as it would be had it
// come later. Credentials are never compressed with anything else: it is offered after login.
func (s *session) compress(c *command.Command, a *command.Compress) error {
	switch {
	case s.compressed:
		s.line(c.Tag + " NO [COMPRESSIONACTIVE] COMPRESS=DEFLATE is active.")
		return nil
	case s.g.cfg.NoCompression:
		s.line(c.Tag + " BAD " + unknownText(c))
		return nil
	case a.Mechanism != "DEFLATE":
		s.line(c.Tag + " NO Unknown compression mechanism.")
		return nil
	}
	s.line(c.Tag + " OK Begin compression.")
	if err := s.out.Flush(); err != nil {
		return err
	}
	s.compressed = true
	s.g.metrics.compressed.Inc()
	s.setClient(deflate.New(s.nc, s.in.Unread(), &s.g.buffers))
	return nil
}
