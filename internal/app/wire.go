package app

import (
	"context"
	"net/http"
	"path/filepath"

	"inlay.example/inlay/internal/config"
	"inlay.example/inlay/internal/doveadm"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/object/folder"
	"inlay.example/inlay/internal/obs"
	"inlay.example/inlay/internal/platform"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
	"inlay.example/inlay/internal/webhook"
)

// wire makes the roles, each with what it needs.
func (a *App) wire(ctx context.Context) error {
	var ready []obs.Role
	var mw *middleware.Middleware
	var pf *platform.Platform
	if a.cfg.Has(config.Middleware) || a.cfg.Has(config.Platform) {
		st, objects, err := a.data(ctx)
		if err != nil {
			return err
		}
		if a.cfg.Has(config.Middleware) {
			if mw, err = a.wireMiddleware(ctx, st, objects); err != nil {
				return err
			}
			ready = append(ready, obs.Role{Name: string(config.Middleware), Ready: mw.Ready})
		}
		if a.cfg.Has(config.Platform) {
			if pf, err = a.wirePlatform(st, objects, mw); err != nil {
				return err
			}
			ready = append(ready, obs.Role{Name: string(config.Platform), Ready: pf.Ready})
		}
	}
	if a.cfg.Has(config.Gateway) {
		if err := a.wireGateway(mw); err != nil {
			return err
		}
		ready = append(ready, obs.Role{Name: string(config.Gateway), Ready: a.gateway.Ready})
	}
	a.health = obs.NewHealth(ready...)
	if a.http != nil {
		a.routes(a.http.mux, mw, pf)
		if mw != nil {
			a.http.srv.RegisterOnShutdown(mw.EndStreams)
		}
	}
	return nil
}

// data opens the store and the objects.
func (a *App) data(ctx context.Context) (store.Store, object.Store, error) {
	dir, err := filepath.Abs(a.cfg.Store.SQLite.Dir)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "store.sqlite.dir: no such directory")
	}
	st, err := sqlite.Open(ctx, sqlite.Config{Dir: dir}, sqlite.Deps{Log: a.log.With("role", "store")})
	if err != nil {
		return nil, nil, keyed("store.sqlite.dir", err)
	}
	a.opened("store", st.Close)
	objects, err := folder.New(folder.Config{Dir: a.cfg.Objects.Folder.Dir})
	if err != nil {
		return nil, nil, keyed("objects.folder.dir", err)
	}
	return st, objects, nil
}

// keyed puts the configuration key before a fault's public text.
func keyed(key string, err error) error {
	return fault.Wrap(fault.KindOf(err), err, "%s: %s", key, fault.Public(err))
}

func (a *App) wireMiddleware(ctx context.Context, st store.Store, objects object.Store) (*middleware.Middleware, error) {
	c := a.cfg.Middleware
	cfg := middleware.Config{Token: c.Token, DefaultDomain: c.DefaultDomain, ImportErrorRatio: c.ImportErrorRatio}
	if c.DefaultTenant.Secret != "" {
		cfg.EnsureDefaultTenant = &middleware.DefaultTenant{Secret: c.DefaultTenant.Secret, Prefix: c.DefaultTenant.Prefix}
	}
	newImporter, err := a.importers()
	if err != nil {
		return nil, err
	}
	mw, err := middleware.New(ctx, cfg, middleware.Deps{
		Store: st, Objects: objects, Importer: newImporter, Verify: webhook.Verify,
		Log: a.log.With("role", string(config.Middleware)), Registerer: a.registry,
	})
	if err != nil {
		return nil, err
	}
	a.background = append(a.background, background{string(config.Middleware), mw.Run})
	return mw, nil
}

func (a *App) wirePlatform(st store.Store, objects object.Store, mw *middleware.Middleware) (*platform.Platform, error) {
	c := a.cfg.Platform
	cfg := platform.Config{
		Token: c.Token, Tenant: c.Tenant, Secret: c.TenantSecret, Domain: a.cfg.Gateway.Domain,
		MiddlewareURL: c.Middleware.URL, MiddlewareToken: c.Middleware.Token,
	}
	deps := platform.Deps{
		Documents: st.Control(), Objects: object.Below(objects, config.PlatformFolder), Bundles: object.Below(objects, object.Key(c.Prefix)),
		Log: a.log.With("role", string(config.Platform)), Registerer: a.registry,
	}
	if c.Middleware.URL == "" {
		// By the documented way, pushes signed and all, but for the network.
		cfg.MiddlewareURL, cfg.MiddlewareToken = "http://middleware.in-process.invalid", a.cfg.Middleware.Token
		deps.HTTP = &http.Client{Transport: inProcess{mw.Handler()}}
	}
	pf, err := platform.New(cfg, deps)
	if err != nil {
		return nil, err
	}
	a.background = append(a.background, background{string(config.Platform), pf.Run})
	return pf, nil
}

func (a *App) wireGateway(mw *middleware.Middleware) error {
	c := a.cfg.Gateway
	cert, err := certificate("gateway", c.TLSCert, c.TLSKey)
	if err != nil {
		return err
	}
	var service injection.Service
	switch {
	case c.Middleware.URL != "":
		client, err := middleware.NewClient(middleware.ClientConfig{BaseURL: c.Middleware.URL, Token: c.Middleware.Token})
		if err != nil {
			return keyed("gateway.middleware.url", err)
		}
		a.opened("client of the middleware", func() error { client.Close(); return nil })
		service = client
	case mw != nil:
		service = mw
	default:
		a.log.Info("no middleware: the gateway is a plain proxy", "role", string(config.Gateway))
	}
	deps := gateway.Deps{Injection: service, Log: a.log.With("role", string(config.Gateway)), Registerer: a.registry}
	if c.Reserver == "doveadm" {
		admin, err := doveadm.New(doveadm.Config{URL: c.Doveadm.URL, Key: c.Doveadm.Key})
		if err != nil {
			return keyed("gateway.doveadm.url", err)
		}
		deps.Administration = admin
	}
	a.gateway, err = gateway.New(gateway.Config{
		Backend: gateway.BackendConfig{
			Addr: c.Backend.Addr, TLS: c.Backend.TLS, CAFile: c.Backend.CA, ServerName: c.Backend.ServerName,
			SendAddress: c.Backend.SendAddress,
		},
		TLS: cert, RequireTLS: c.RequireTLS, Tenant: c.Tenant, Domain: c.Domain,
		LookupBudget: c.LookupBudget, KnownBudget: c.KnownBudget, Lease: c.Lease, Poll: c.Poll, Look: c.Look, Notes: c.Notes, LoginTimeout: c.LoginTimeout, NoCompression: !c.Compress, MaxPerAddress: c.MaxPerAddress,
	}, deps)
	if err != nil {
		return err
	}
	return nil
}
