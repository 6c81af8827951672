package config

import (
	"slices"
	"time"
)

// Role is a part of the program that can run by itself.
type Role string

// The roles.
const (
	Gateway    Role = "gateway"
	Middleware Role = "middleware"
	Platform   Role = "platform"
)

// Config is a whole configuration that was checked. Paths are as they were written: relative
// ones are relative to the working directory.
type Config struct {
	Roles      []Role
	Log        LogSection
	HTTP       HTTPSection
	Gateway    GatewaySection
	Middleware MiddlewareSection
	Platform   PlatformSection
	Store      StoreSection
	Objects    ObjectsSection
	Stop       StopSection
}

// Has reports whether the role is to run.
func (c Config) Has(r Role) bool { return slices.Contains(c.Roles, r) }

// LogSection says what is logged and how.
type LogSection struct{ Level, Format string }

// HTTPSection is the listener of the APIs, of health and metrics.
type HTTPSection struct{ Listen, TLSCert, TLSKey string }

// GatewaySection is the IMAP side.
type GatewaySection struct {
	IMAP, IMAPS     string
	TLSCert, TLSKey string
	RequireTLS      bool
	Backend         BackendSection
	Reserver        string
	Doveadm         DoveadmSection
	Tenant, Domain  string
	LookupBudget    time.Duration
	KnownBudget     time.Duration
	Lease           time.Duration
	Poll, Look      time.Duration
	Notes           string
	LoginTimeout    time.Duration
	Compress        bool
	MaxPerAddress   int
	Middleware      PeerSection
}

// BackendSection is the real mail server.
type BackendSection struct {
	Addr, TLS, CA, ServerName string
	SendAddress               bool
}

// DoveadmSection is the administration of the real mail server, where it is a Dovecot.
type DoveadmSection struct{ URL, Key string }

// PeerSection is a middleware in another process. An empty URL is the one in this process.
type PeerSection struct{ URL, Token string }

// MiddlewareSection is the middleware.
type MiddlewareSection struct {
	Token            string
	DefaultDomain    string
	ImportErrorRatio float64
	DefaultTenant    TenantSection
}

// TenantSection is the tenant that is made at the first start; no secret, no tenant.
type TenantSection struct{ Secret, Prefix string }

// PlatformSection is the platform.
type PlatformSection struct {
	Token        string
	Tenant       string
	TenantSecret string
	Prefix       string
	Middleware   PeerSection
}

// StoreSection is where data is kept.
type StoreSection struct{ SQLite SQLiteSection }

// SQLiteSection is the embedded store.
type SQLiteSection struct{ Dir string }

// ObjectsSection is where bundles are kept.
type ObjectsSection struct{ Folder FolderSection }

// FolderSection is a folder as object store.
type FolderSection struct{ Dir string }

// StopSection is how the program ends.
type StopSection struct{ Drain time.Duration }

// Secrets lists all secrets, so that the log can leave them out.
func (c Config) Secrets() []string {
	var out []string
	for _, s := range []string{
		c.Gateway.Middleware.Token, c.Middleware.Token, c.Middleware.DefaultTenant.Secret,
		c.Platform.Token, c.Platform.TenantSecret, c.Platform.Middleware.Token,
	} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
