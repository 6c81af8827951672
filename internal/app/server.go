package app

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"inlay.example/inlay/internal/obs"
)

// server is the HTTP listener with its handler.
type server struct {
	ln  net.Listener
	mux *http.ServeMux
	srv *http.Server
}

func newServer(ln net.Listener, cert *tls.Config, log *slog.Logger) *server {
	mux := http.NewServeMux()
	if cert != nil {
		cert.NextProtos = []string{"h2", "http/1.1"}
		ln = tls.NewListener(ln, cert)
	}
	return &server{ln: ln, mux: mux, srv: &http.Server{
		Handler:           obs.LogRequests(log, mux),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelInfo),
	}}
}

func (s *server) serve() error {
	if err := s.srv.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shutdown lets requests finish until ctx ends, then cuts them off.
func (s *server) shutdown(ctx context.Context) error {
	err := s.srv.Shutdown(ctx)
	if err != nil {
		_ = s.srv.Close()
	}
	return err
}
