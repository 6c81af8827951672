package config

import (
	"errors"
	"os"

	"inlay.example/inlay/internal/fault"
)

// Client is what the command line keeps about the platform that it talks to.
type Client struct{ Server, Token string }

func clientSettings(c *Client) []setting {
	return []setting{
		{"server", "Base URL of the platform.", httpURL(&c.Server)},
		{"token", "Its token. Also: token-file.", secret(&c.Token)},
	}
}

// LoadClient reads the command line's own file; nothing when it does not exist and need not.
// The environment is not looked at. The error is NotFound, Denied or *Errors.
func LoadClient(file string, must bool) (Client, error) {
	data, err := readLimited(file, maxFile)
	switch {
	case errors.Is(err, os.ErrNotExist) && !must:
		return Client{}, nil
	case errors.Is(err, os.ErrNotExist):
		return Client{}, fault.New(fault.NotFound, "the configuration file %s does not exist", file)
	case errors.Is(err, os.ErrPermission):
		return Client{}, fault.New(fault.Denied, "the configuration file %s may not be read", file)
	case err != nil:
		return Client{}, fault.New(fault.Invalid, "reading the configuration file %s: %v", file, err)
	}
	var c Client
	r := newReader(file, clientSettings(&c), Env{})
	if r.whole(data) {
		r.file(data)
		r.environment()
	}
	return c, r.errs.result()
}
