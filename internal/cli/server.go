package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/config"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform/client"
)

// platformFlags say which platform is meant.
type platformFlags struct {
	std                              IO
	server, token, tokenFile, config string
}

func (f *platformFlags) add(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.server, "server", "", "`URL` of the platform, or INLAY_SERVER in the environment")
	flags.StringVar(&f.token, "token", "", "its `TOKEN`, or INLAY_TOKEN in the environment")
	flags.StringVar(&f.tokenFile, "token-file", "", "`FILE` that holds the token")
	flags.StringVar(&f.config, "config", "", "`FILE` with server and token; else inlay/cli.toml in the user's configuration directory")
}

// client returns a client of the platform. What a flag does not say the environment does, and
// what that does not say the file does.
func (f *platformFlags) client() (*client.Client, error) {
	server, file := f.server, f.config
	if server == "" {
		server = f.std.Getenv("INLAY_SERVER")
	}
	token, err := secretOf(f.std, "--token", f.token, f.tokenFile, "INLAY_TOKEN")
	if err != nil {
		return nil, err
	}
	if file == "" {
		dir := f.std.Getenv("XDG_CONFIG_HOME")
		if home := f.std.Getenv("HOME"); dir == "" && home != "" {
			dir = filepath.Join(home, ".config")
		}
		if dir != "" {
			file = filepath.Join(dir, "inlay", "cli.toml")
		}
	}
	if file != "" && (server == "" || token == "" || f.config != "") {
		kept, err := config.LoadClient(file, f.config != "")
		if err != nil {
			return nil, err
		}
		if server == "" {
			server = kept.Server
		}
		if token == "" {
			token = kept.Token
		}
	}
	switch {
	case server == "":
		return nil, fault.New(fault.Invalid, "which platform? Give its URL with --server or in INLAY_SERVER")
	case token == "":
		return nil, fault.New(fault.Unauthenticated, "the platform's token is missing: give it with --token-file, or in INLAY_TOKEN")
	}
	return client.New(client.Config{BaseURL: server, Token: token})
}
