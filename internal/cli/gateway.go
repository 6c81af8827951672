package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/config"
)

func gatewayCommand(std IO) *cobra.Command {
	var http, tokenFile string
	// Flags are settings of the configuration file by another name.
	type option struct{ flag, short, key, usage string }
	options := []option{
		{"imap", "", "gateway.imap", "`ADDR` for IMAP, with STARTTLS if there is a certificate; empty: not listened on"},
		{"imaps", "", "gateway.imaps", "`ADDR` for IMAP with TLS from the start"},
		{"tls-cert", "", "gateway.tls-cert", "PEM `FILE` of the certificate chain for clients"},
		{"tls-key", "", "gateway.tls-key", "PEM `FILE` of its key"},
		{"backend", "", "gateway.backend.addr", "`HOST:PORT` of the real IMAP server"},
		{"backend-tls", "", "gateway.backend.tls", "none, starttls or tls: how the connection to it is protected"},
		{"backend-ca", "", "gateway.backend.ca", "PEM `FILE` of the certificates to trust instead of the system's"},
		{"backend-name", "", "gateway.backend.server-name", "`NAME` to verify instead of the backend's host"},
		{"middleware", "", "gateway.middleware.url", "`URL` of the middleware; none: a plain proxy"},
		{"token", "", "gateway.middleware.token", "`TOKEN` of the middleware, or INLAY_TOKEN in the environment"},
		{"tenant", "", "gateway.tenant", "`TENANT` whose campaigns are injected"},
		{"domain", "", "gateway.domain", "`DOMAIN` of the Message-ID of injected messages"},
		{"log-level", "", "log.level", "debug, info, warn or error"},
		{"log-format", "", "log.format", "text or json"},
	}
	defaults := map[string]string{
		"imap": "127.0.0.1:1143", "backend": "", "backend-tls": "none", "tenant": "default", "domain": "inlay.invalid",
		"log-level": "info", "log-format": "text",
	}
	values := map[string]*string{}
	var requireTLS bool
	cmd := &cobra.Command{
		Use:   "gateway --imap ADDR --backend HOST:PORT [--middleware URL --token TOKEN]",
		Short: "Run the IMAP proxy in front of a mail server",
		Long: `Runs the gateway alone, in front of any IMAP server. Without a middleware it is a plain proxy: the
quickest way to see that one's own clients and server get on with it. With one, it shows the
messages of its campaigns.`,
		Example: `  inlay gateway --imap 127.0.0.1:1143 --backend mail.example:143
  inlay gateway --imap :143 --imaps :993 --tls-cert mail.crt --tls-key mail.key \
      --backend mail.internal:993 --backend-tls tls --middleware https://mim.internal:8480 --token-file /etc/inlay/token`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []config.Value
			for _, o := range options {
				list = append(list, config.Value{Key: o.key, Name: "--" + o.flag, Text: *values[o.flag]})
			}
			list = append(list, config.Value{Key: "gateway.require-tls", Name: "--require-tls", Text: strconv.FormatBool(requireTLS)})
			if http != "" {
				list = append(list, config.Value{Key: "http.listen", Name: "--http", Text: http})
			}
			for i := range list {
				if list[i].Key != "gateway.middleware.token" || *values["middleware"] == "" && tokenFile == "" {
					continue
				}
				token, err := secretOf(std, "--token", list[i].Text, tokenFile, "INLAY_TOKEN")
				if err != nil {
					return err
				}
				list[i].Text = token
			}
			cfg, err := config.Make([]config.Role{config.Gateway}, list)
			if err != nil {
				return err
			}
			cfg.HTTP.Listen = http
			flags := make(map[string]string, len(list))
			for _, v := range list {
				flags[v.Key] = v.Name
			}
			return byFlag(run(cmd.Context(), std, cfg), flags)
		},
	}
	for _, o := range options {
		values[o.flag] = cmd.Flags().String(o.flag, defaults[o.flag], o.usage)
	}
	cmd.Flags().BoolVar(&requireTLS, "require-tls", false, "refuse logins over connections without TLS")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "`FILE` that holds the token")
	cmd.Flags().StringVar(&http, "http", "", "`ADDR` for /healthz, /readyz and /metrics; empty: not listened on")
	return cmd
}
