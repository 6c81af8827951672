package config

import "net"

// PlatformFolder is where the platform keeps templates and audiences in the object folder.
const PlatformFolder = "platform"

// together checks what depends on more than one setting. Roles that do not run need nothing.
func (r *reader) together(c *Config) {
	r.pair("http.tls-cert", c.HTTP.TLSCert, "http.tls-key", c.HTTP.TLSKey)
	if c.Has(Gateway) {
		r.gateway(c)
	}
	if c.Has(Middleware) {
		if c.Middleware.Token == "" {
			r.missing("is required for the role middleware", "middleware.token")
		}
	}
	if c.Has(Platform) {
		r.platform(c)
	}
	if c.Has(Middleware) || c.Has(Platform) {
		// Both kinds of bundles' folders are beside the platform's own.
		for key, prefix := range map[string]string{
			"middleware.default-tenant.prefix": c.Middleware.DefaultTenant.Prefix, "platform.prefix": c.Platform.Prefix,
		} {
			if prefix == PlatformFolder {
				r.fail(key, "must not be %q: the platform keeps its own files there", PlatformFolder)
			}
		}
		if c.Store.SQLite.Dir == "" {
			r.fail("store.sqlite.dir", "must not be empty")
		}
		if c.Objects.Folder.Dir == "" {
			r.fail("objects.folder.dir", "must not be empty")
		}
	}
}

func (r *reader) gateway(c *Config) {
	g := &c.Gateway
	if g.IMAP == "" && g.IMAPS == "" {
		r.fail("gateway.imap", "is empty, and so is gateway.imaps: the gateway would listen nowhere")
	}
	r.pair("gateway.tls-cert", g.TLSCert, "gateway.tls-key", g.TLSKey)
	if g.IMAPS != "" && g.TLSCert == "" {
		r.fail("gateway.imaps", "needs gateway.tls-cert and gateway.tls-key")
	}
	if g.RequireTLS && g.TLSCert == "" {
		r.fail("gateway.require-tls", "needs gateway.tls-cert and gateway.tls-key")
	}
	if g.Backend.TLS == "none" {
		if g.Backend.CA != "" {
			r.fail("gateway.backend.ca", "has no effect while gateway.backend.tls is \"none\"")
		}
		if g.Backend.ServerName != "" {
			r.fail("gateway.backend.server-name", "has no effect while gateway.backend.tls is \"none\"")
		}
	}
	switch {
	case g.Reserver == "doveadm" && g.Doveadm.URL == "":
		r.missing("is required while gateway.reserver is \"doveadm\"", "gateway.doveadm.url")
	case g.Reserver == "doveadm" && g.Doveadm.Key == "":
		r.missing("is required while gateway.reserver is \"doveadm\"", "gateway.doveadm.key")
	case g.Reserver != "doveadm" && g.Doveadm.URL != "":
		r.fail("gateway.doveadm.url", "has no effect while gateway.reserver is \"marker\"")
	case g.Reserver != "doveadm" && g.Doveadm.Key != "":
		r.fail("gateway.doveadm.key", "has no effect while gateway.reserver is \"marker\"")
	}
	r.peer("gateway.middleware", g.Middleware)
	r.apart("gateway.imaps", g.IMAPS, "gateway.imap", g.IMAP)
	r.apart("gateway.imap", g.IMAP, "http.listen", c.HTTP.Listen)
	r.apart("gateway.imaps", g.IMAPS, "http.listen", c.HTTP.Listen)
}

func (r *reader) platform(c *Config) {
	p := &c.Platform
	if p.Token == "" {
		r.missing("is required for the role platform", "platform.token")
	}
	if p.TenantSecret == "" {
		p.TenantSecret = c.Middleware.DefaultTenant.Secret
	}
	if p.TenantSecret == "" {
		r.missing("is required for the role platform, or else middleware.default-tenant.secret", "platform.tenant-secret", "middleware.default-tenant.secret")
	}
	r.peer("platform.middleware", p.Middleware)
	if p.Middleware.URL == "" && !c.Has(Middleware) {
		r.fail("platform.middleware.url", "is required: the role middleware does not run in this process")
	}
}

// pair complains when one of two is given without the other.
func (r *reader) pair(aKey, a, bKey, b string) {
	if a == "" && b != "" {
		r.fail(aKey, "is required, since %s is given", bKey)
	}
	if a != "" && b == "" {
		r.fail(bKey, "is required, since %s is given", aKey)
	}
}

func (r *reader) peer(key string, p PeerSection) {
	switch {
	case p.URL != "" && p.Token == "":
		r.missing("is required, since "+key+".url is given", key+".token")
	case p.URL == "" && p.Token != "":
		r.fail(key+".token", "has no effect without %s.url", key)
	}
}

// apart complains when two listeners want the same address.
func (r *reader) apart(aKey, a, bKey, b string) {
	if a == "" || a != b {
		return
	}
	if _, port, err := net.SplitHostPort(a); err == nil && port != "0" {
		r.fail(aKey, "is the address of %s, too", bKey)
	}
}
