package config

import "time"

// setting is one line of the file.
type setting struct {
	key string // with dots; all but the last part is the table
	doc string // what it is for: whole sentences, lines of at most 96 characters
	val value
}

// secretMin is the least length of tokens and secrets, in octets.
const secretMin = 16

// settings is the table of everything that can be set, with c's fields behind it, in the
// order in which it is printed.
func settings(c *Config) []setting {
	out := []setting{
		{
			"roles", "Which parts run in this process. One process can run all of them; several can share the work.",
			roles(&c.Roles, Gateway, Middleware, Platform),
		},

		{"log.level", "The least important lines that are written.", choice(&c.Log.Level, "info", "debug", "info", "warn", "error")},
		{"log.format", "One record per line, for people or for programs.", choice(&c.Log.Format, "text", "text", "json")},

		{
			"http.listen", "Address of the HTTP APIs, /healthz, /readyz and /metrics. An empty host means all interfaces,\nport 0 any free port.",
			listen(&c.HTTP.Listen, "127.0.0.1:8480"),
		},
		{"http.tls-cert", "PEM files of certificate chain and key; both empty: no TLS.", path(&c.HTTP.TLSCert, "")},
		{"http.tls-key", "", path(&c.HTTP.TLSKey, "")},
	}
	out = append(out, gatewaySettings(&c.Gateway)...)
	out = append(out, middlewareSettings(&c.Middleware)...)
	out = append(out, platformSettings(&c.Platform)...)
	return append(out,
		setting{
			"store.sqlite.dir", "Directory of the embedded store; one process uses it. Needed by the roles middleware and platform.",
			path(&c.Store.SQLite.Dir, "inlay-data/store"),
		},
		setting{
			"objects.folder.dir", "Folder that keeps campaigns' bundles. Needed by the roles middleware and platform.",
			path(&c.Objects.Folder.Dir, "inlay-data/objects"),
		},
		setting{
			"stop.drain", "How long busy sessions and requests may finish after a signal; a second signal cuts it short.",
			duration(&c.Stop.Drain, 10*time.Second, 0, 10*time.Minute),
		},
	)
}

func gatewaySettings(g *GatewaySection) []setting {
	return []setting{
		{"gateway.imap", "Address for IMAP, with STARTTLS if there is a certificate; empty: not listened on.", listenOrNot(&g.IMAP, "127.0.0.1:1143")},
		{"gateway.imaps", "Address for IMAP with TLS from the start; empty: not listened on.", listenOrNot(&g.IMAPS, "")},
		{"gateway.tls-cert", "PEM files of certificate chain and key for both.", path(&g.TLSCert, "")},
		{"gateway.tls-key", "", path(&g.TLSKey, "")},
		{"gateway.require-tls", "Refuse logins over connections without TLS.", boolean(&g.RequireTLS, false)},
		{"gateway.tenant", "Whose campaigns are injected.", name(&g.Tenant, "default")},
		{"gateway.domain", "Domain of the Message-ID and List-Id of injected messages; use one of your own.", domain(&g.Domain, "inlay.invalid", false)},
		{
			"gateway.lookup-budget", "How long opening a mailbox waits for the middleware, for new injections.",
			duration(&g.LookupBudget, 150*time.Millisecond, time.Millisecond, 10*time.Second),
		},
		{
			"gateway.known-budget", "The same where a mailbox shows injected messages already.",
			duration(&g.KnownBudget, 2*time.Second, time.Millisecond, 30*time.Second),
		},
		{"gateway.lease", "How long a reservation may take before others may clear it away.", duration(&g.Lease, 10*time.Second, time.Second, time.Minute)},
		{
			"gateway.poll", "How often an idle session that shows injected messages looks for changes.",
			duration(&g.Poll, 5*time.Second, 100*time.Millisecond, 10*time.Minute),
		},
		{
			"gateway.look", "How often an open mailbox asks what there is to be injected, by itself.",
			duration(&g.Look, time.Minute, 100*time.Millisecond, time.Hour),
		},
		{
			"gateway.notes", "Folder for notes of what clients were told past while the store was down; empty: none.",
			path(&g.Notes, "inlay-data/notes"),
		},
		{"gateway.login-timeout", "How long a client may take to log in.", duration(&g.LoginTimeout, 3*time.Minute, time.Second, time.Hour)},
		{
			"gateway.max-connections-per-address", "How many connections there may be at a time from one address (of IPv6: one /64); 0: any number. A load\nbalancer in front, and providers whose servers speak for many people, count as one address each.",
			count(&g.MaxPerAddress, 0, 1_000_000),
		},
		{"gateway.compress", "Offer COMPRESS=DEFLATE, whatever the real server has; some 15 to 50 kB for a session that uses it.", boolean(&g.Compress, true)},
		{
			"gateway.reserver", "How UIDs are taken for injected messages: by a marker, a message that comes and goes, which works with\nany server; or by Dovecot's administration, which makes no message, where push services or filters\nwould notice one.",
			choice(&g.Reserver, "marker", "marker", "doveadm"),
		},
		{"gateway.backend.addr", "The real IMAP server.", address(&g.Backend.Addr, "127.0.0.1:143")},
		{"gateway.backend.tls", "How the connection to it is protected.", choice(&g.Backend.TLS, "none", "none", "starttls", "tls")},
		{"gateway.backend.ca", "PEM file of the certificates to trust instead of the system's.", path(&g.Backend.CA, "")},
		{"gateway.backend.server-name", "Name to verify instead of the host of addr.", text(&g.Backend.ServerName, "")},
		{
			"gateway.backend.send-address", "Tell it the client's address before the login, by ID, as Dovecot understands it. Put the gateway's\naddress into Dovecot's login_trusted_networks, too.",
			boolean(&g.Backend.SendAddress, true),
		},
		{"gateway.doveadm.url", "Dovecot's administration over HTTP, as \"http://dovecot.example:8080/doveadm/v1\".", httpURL(&g.Doveadm.URL)},
		{"gateway.doveadm.key", "Its doveadm_api_key. Also: key-file, or INLAY_GATEWAY_DOVEADM_KEY in the environment.", secret(&g.Doveadm.Key)},
		{
			"gateway.middleware.url", "Middleware in another process, as \"https://mim.example:8480\"; empty: the one in this process.",
			httpURL(&g.Middleware.URL),
		},
		{"gateway.middleware.token", "Its token. Also: token-file, or INLAY_GATEWAY_MIDDLEWARE_TOKEN in the environment.", secret(&g.Middleware.Token)},
	}
}

func middlewareSettings(m *MiddlewareSection) []setting {
	return []setting{
		{
			"middleware.token", "Token that callers of its APIs must show, at least 16 characters. Also: token-file, or\nINLAY_MIDDLEWARE_TOKEN in the environment. Required for the role.",
			secret(&m.Token),
		},
		{
			"middleware.default-domain", "Appended to login names without \"@\". It stays as it was when a tenant's data was first used.",
			domain(&m.DefaultDomain, "", true),
		},
		{"middleware.import-error-ratio", "Share of bad rows, 0 to 1, beyond which an import stops.", ratio(&m.ImportErrorRatio, 0.01)},
		{
			"middleware.default-tenant.secret", "Secret that signs pushes and commands to the tenant \"default\", which is made if there is none. Also:\nsecret-file, or INLAY_MIDDLEWARE_DEFAULT_TENANT_SECRET. Empty: no tenant is made.",
			secret(&m.DefaultTenant.Secret),
		},
		{"middleware.default-tenant.prefix", "Where its bundles are in the object folder.", name(&m.DefaultTenant.Prefix, "bundles")},
	}
}

func platformSettings(p *PlatformSection) []setting {
	return []setting{
		{
			"platform.token", "Token that its users must show, at least 16 characters. Also: token-file, or INLAY_PLATFORM_TOKEN in\nthe environment. Required for the role.",
			secret(&p.Token),
		},
		{"platform.tenant", "Tenant of the middleware whose campaigns it makes.", name(&p.Tenant, "default")},
		{
			"platform.tenant-secret", "Secret of that tenant, to sign with; empty: middleware.default-tenant.secret. Also:\ntenant-secret-file, or INLAY_PLATFORM_TENANT_SECRET.",
			secret(&p.TenantSecret),
		},
		{"platform.prefix", "Where that tenant's bundles are in the object folder.", name(&p.Prefix, "bundles")},
		{"platform.middleware.url", "Middleware in another process; empty: the one in this process.", httpURL(&p.Middleware.URL)},
		{"platform.middleware.token", "Its token. Also: token-file, or INLAY_PLATFORM_MIDDLEWARE_TOKEN in the environment.", secret(&p.Middleware.Token)},
	}
}
