package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/app"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/config"
	"inlay.example/inlay/internal/demo"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/obs"
	"inlay.example/inlay/internal/platform/client"
)

// The demo's addresses when none are given. They are documented: a mail client's account is
// set up once.
const (
	demoHTTP = "127.0.0.1:8480"
	demoIMAP = "127.0.0.1:1143"
)

// demoRun is a demo as the command line wants it.
type demoRun struct {
	std                    IO
	dir, http, imap        string
	backend, backendTLS    string
	backendCA, backendName string
	users                  []string
	asJSON                 bool
	logLevel               string
}

func demoCommand(std IO) *cobra.Command {
	d := &demoRun{std: std}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A running campaign in real inboxes, in one process, with nothing to install",
		Long: `Runs everything in one process: a mail server with three people and their mail, the gateway in
front of it, middleware and platform, and a campaign whose message these people see between their
mails. It says what to open and what to type. Nothing leaves this machine.

With --backend it stands in front of a mail server of your own instead, which is not changed: log
in with your own accounts, and run a campaign for them as the demo tells, or name them with --user
to have one at once.

What it keeps is in the --data directory: a second start there goes on. The mail of the three
people is new with every start.`,
		Example: `  inlay demo
  inlay demo --imap 127.0.0.1:0 --http 127.0.0.1:0 --json
  inlay demo --backend mail.example:143 --user alice`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringVar(&d.dir, "data", "inlay-demo", "`DIR` for what is kept")
	f.StringVar(&d.http, "http", demoHTTP, "`ADDR` of the HTTP APIs; port 0 is any free port")
	f.StringVar(&d.imap, "imap", demoIMAP, "`ADDR` for mail clients; port 0 is any free port")
	f.StringVar(&d.backend, "backend", "", "`HOST:PORT` of an IMAP server to stand in front of, instead of the demo's own")
	f.StringVar(&d.backendTLS, "backend-tls", "none", "none, starttls or tls: how the connection to it is protected")
	f.StringVar(&d.backendCA, "backend-ca", "", "PEM `FILE` of the certificates to trust instead of the system's")
	f.StringVar(&d.backendName, "backend-name", "", "`NAME` to verify instead of the backend's host")
	f.StringArrayVar(&d.users, "user", nil, "`NAME` of a login of the backend that sees the campaign; may be repeated")
	f.BoolVar(&d.asJSON, "json", false, "print one line of JSON when it is ready, and nothing else")
	f.StringVar(&d.logLevel, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

// demoReady is the line that --json prints.
type demoReady struct {
	HTTP     string     `json:"http"` // base URL
	IMAP     string     `json:"imap"` // host:port
	Users    []demoUser `json:"users"`
	Token    string     `json:"token"`
	Campaign string     `json:"campaign"` // its id; empty if there is none
}

type demoUser struct {
	User     string `json:"user"`
	Password string `json:"password"` // empty: the backend's own
}

func (d *demoRun) run(ctx context.Context) error {
	people, err := d.people()
	if err != nil {
		return err
	}
	if d.dir, err = filepath.Abs(d.dir); err != nil {
		return fault.New(fault.Invalid, "--data: %v", err)
	}
	state, err := demo.LoadState(d.dir)
	if err != nil {
		return err
	}
	// The mail server's address is needed before the rest; it is served when the directory is
	// ours for certain.
	var backend net.Listener
	if d.backend == "" {
		if backend, err = app.Listen(ctx, "the demo's mail server", "127.0.0.1:0"); err != nil {
			return err
		}
		defer backend.Close()
	}
	cfg, err := d.config(state, backend)
	if err != nil {
		return err
	}
	log := logger(d.std, cfg)
	a, err := app.New(ctx, cfg, app.Deps{Log: log, Version: buildVersion()})
	if err != nil {
		return d.inUse(err)
	}
	ctx, stop := untilSignal(ctx, d.std, a.Abort)
	defer stop()
	// Whatever ends, by a signal or by itself, ends the rest: the mail server last.
	ctx, end := context.WithCancel(ctx)
	defer end()
	mailCtx, endMail := context.WithCancel(context.WithoutCancel(ctx))
	defer endMail()
	mail, err := d.mailServer(&state, log)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	mailEnded, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		defer end()
		if mail == nil {
			<-mailCtx.Done()
			mailEnded <- nil
			return
		}
		mailEnded <- mail.Run(mailCtx, backend)
	}()
	go func() {
		defer end()
		ended <- a.Run(ctx)
	}()
	err = d.present(ctx, a, state, people)
	if ctx.Err() != nil {
		err = nil // it was stopped, perhaps before it was ready; what ended it says why
	}
	end()
	err = errors.Join(err, <-ended)
	endMail()
	return errors.Join(err, <-mailEnded)
}

// people are those whom the campaign is for.
func (d *demoRun) people() ([]demo.Person, error) {
	if d.backend == "" {
		if len(d.users) > 0 {
			return nil, fault.New(fault.Invalid, "--user names a login of a --backend: the demo's own people see the campaign in any case")
		}
		return demo.People(), nil
	}
	var out []demo.Person
	for _, u := range d.users {
		out = append(out, demo.Person{Login: u})
	}
	return out, nil
}

// config is the configuration that the flags stand for.
func (d *demoRun) config(state demo.State, backend net.Listener) (config.Config, error) {
	addr := d.backend
	if backend != nil {
		addr = backend.Addr().String()
	}
	cfg, err := config.Make([]config.Role{config.Gateway, config.Middleware, config.Platform}, []config.Value{
		{Key: "http.listen", Name: "--http", Text: d.http},
		{Key: "gateway.imap", Name: "--imap", Text: d.imap},
		{Key: "gateway.backend.addr", Name: "--backend", Text: addr},
		{Key: "gateway.backend.tls", Name: "--backend-tls", Text: d.backendTLS},
		{Key: "gateway.backend.ca", Name: "--backend-ca", Text: d.backendCA},
		{Key: "gateway.backend.server-name", Name: "--backend-name", Text: d.backendName},
		{Key: "log.level", Name: "--log-level", Text: d.logLevel},
		{Key: "middleware.token", Name: "the token", Text: state.Token},
		{Key: "platform.token", Name: "the token", Text: state.Token},
		{Key: "middleware.default-tenant.secret", Name: "the secret", Text: state.Secret},
		{Key: "store.sqlite.dir", Name: "--data", Text: filepath.Join(d.dir, "store")},
		{Key: "objects.folder.dir", Name: "--data", Text: filepath.Join(d.dir, "objects")},
		{Key: "gateway.notes", Name: "--data", Text: filepath.Join(d.dir, "notes")},
		{Key: "gateway.domain", Name: "the domain", Text: "demo.example"},
		// A demo shows its message at the first look also on a busy machine, and what changes
		// while one is looking.
		{Key: "gateway.lookup-budget", Name: "the budget", Text: "2s"},
		{Key: "gateway.poll", Name: "the poll interval", Text: "1s"},
		{Key: "stop.drain", Name: "the time to stop", Text: "1s"},
	})
	if err == nil && d.imap == "" {
		err = fault.New(fault.Invalid, "--imap must not be empty")
	}
	return cfg, err
}

// inUse explains what it means for a demo that something is taken.
func (d *demoRun) inUse(err error) error {
	err = byFlag(err, map[string]string{"http.listen": "--http", "gateway.imap": "--imap", "store.sqlite.dir": "--data", "objects.folder.dir": "--data"})
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	return fault.Wrap(fault.Conflict, err, "%s. Is another demo running? Stop it, or give this one other --http, --imap and --data", fault.Public(err))
}

// mailServer makes the demo's own mail server, if there is to be one. The directory is locked
// by now, so that its state can be written.
func (d *demoRun) mailServer(state *demo.State, log *slog.Logger) (*demo.Server, error) {
	if d.backend != "" {
		return nil, nil //nolint:nilnil // the backend is the mail server
	}
	now := time.Now()
	*state = state.Next(now)
	if err := state.Save(d.dir); err != nil {
		return nil, err
	}
	return demo.New(demo.Config{UIDValidity: state.UIDValidity, Now: now, Log: log.With("role", "mail server")})
}

// present runs the campaign, and says that the demo is ready.
func (d *demoRun) present(ctx context.Context, a *app.App, state demo.State, people []demo.Person) error {
	ready := demoReady{HTTP: "http://" + dialable(a.HTTPAddr()), IMAP: dialable(a.IMAPAddrs()[0]), Users: []demoUser{}, Token: state.Token}
	for _, p := range people {
		ready.Users = append(ready.Users, demoUser{p.Login, p.Password})
	}
	if len(people) > 0 {
		id, err := d.campaign(ctx, ready, people)
		if err != nil {
			return err
		}
		ready.Campaign = string(id)
	}
	if d.backend != "" {
		d.warn(a.Readiness(ctx))
	}
	if d.asJSON {
		if err := printJSON(d.std.Out, ready); err != nil {
			return err
		}
	} else if err := d.explain(ready); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// warn tells when the mail server does not answer. It is no error: the server may come later.
func (d *demoRun) warn(r obs.Readiness) {
	if g := r.Roles[string(config.Gateway)]; !g.Ready {
		fmt.Fprintf(d.std.Err, "inlay: --backend %s: %s. Nobody can log in until it answers; every connection tries anew.\n", d.backend, g.Reason)
	}
}

// campaign gives the demo's campaign: that of an earlier start, if it goes on for a while, else
// a new one.
func (d *demoRun) campaign(ctx context.Context, ready demoReady, people []demo.Person) (campaign.ID, error) {
	c, err := client.New(client.Config{BaseURL: ready.HTTP, Token: ready.Token})
	if err != nil {
		return "", err
	}
	defer c.Close()
	name := demo.CampaignName
	if d.backend != "" {
		name = nameFor(d.users)
	}
	p := &progress{w: d.std.Err, terminal: d.std.Terminal && !d.asJSON}
	if !p.terminal {
		p.w = io.Discard
	}
	defer p.end()
	all, err := allCampaigns(ctx, c)
	if err != nil {
		return "", err
	}
	for _, one := range all {
		prepared := one.State == campaign.Running || one.State == campaign.Preparing || one.State == campaign.Scheduled
		if one.Name != name || !prepared || one.Pending != nil || time.Until(one.End) < time.Hour {
			continue
		}
		if one, err = follow(ctx, c, one, p); err == nil {
			return one.ID, nil
		}
		break // a start that was cut short: make another one
	}
	template, err := demo.Template()
	if err != nil {
		return "", err
	}
	audience, err := demo.Audience(people)
	if err != nil {
		return "", err
	}
	one, err := launch{
		name: name, mailbox: "INBOX", class: campaign.Service, wait: true, end: time.Now().Add(7 * 24 * time.Hour).UTC().Truncate(time.Second),
		template: bytes.NewReader(template), audience: bytes.NewReader(audience), audienceSize: int64(len(audience)),
		templateFile: "the demo's template", audienceFile: "the demo's audience",
	}.do(ctx, c, p)
	return one.ID, err
}

// nameFor names the campaign of a --backend: the same people, the same name.
func nameFor(users []string) string {
	users = slices.Clone(users)
	slices.Sort(users)
	name := "Demo for " + strings.Join(slices.Compact(users), ", ")
	if runes := []rune(name); len(runes) > 200 {
		name = string(runes[:200])
	}
	return name
}

// dialable gives an address that a client on this machine can use: a listener on all
// interfaces is reached on loopback.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
