package middleware

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// signedTolerance is how far the time of a signed message may be from ours.
const signedTolerance = 5 * time.Minute

// maxSignedID is the greatest length of the id of a signed message, in octets.
const maxSignedID = 128

// PushEvent tells that a bundle is complete.
type PushEvent struct {
	Manifest   object.Key `json:"manifest"`             // key of the manifest, in the data source
	DataSource string     `json:"dataSource,omitempty"` // its id; empty: the default one
}

// controlRoutes serves what other tools steer a tenant with: signed pushes and commands, and
// readings with the bearer token.
func (m *Middleware) controlRoutes(mux *http.ServeMux) {
	const base = "/api/tenants/{tenant}/"
	m.handle(mux, base+"imports", methods{http.MethodPost: m.signed(m.servePush)})
	m.handle(mux, base+"imports/{job}", methods{http.MethodGet: m.authorised(m.serveJob)})
	m.handle(mux, base+"commands", methods{http.MethodPost: m.signed(m.serveCommand)})
	m.handle(mux, base+"campaigns", methods{http.MethodGet: m.authorised(m.serveCampaigns)})
	m.handle(mux, base+"campaigns/{campaign}", methods{http.MethodGet: m.authorised(m.serveCampaign)})
	m.handle(mux, base+"campaigns/{campaign}/statistics", methods{http.MethodGet: m.authorised(m.serveStatistics)})
}

// message is a signed message that was found to be genuine.
type message struct {
	tenant *tenant
	id     string
	body   []byte
	digest string // of the body: the same message again, or another under its id
}

// signed checks the signature by the tenant's secret before serve.
func (m *Middleware) signed(serve func(http.ResponseWriter, *http.Request, message) error) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		if m.verify == nil {
			return fault.New(fault.Unsupported, "this instance takes no signed messages")
		}
		body, err := readBody(w, r, maxSignedBody)
		if err != nil {
			return err
		}
		t, err := m.openTenant(r.Context(), r.PathValue("tenant"))
		if err != nil {
			return err
		}
		id, err := m.verify(t.secret, r.Header, body, m.now(), signedTolerance)
		if err != nil {
			return err
		}
		if id == "" || len(id) > maxSignedID {
			return fault.New(fault.Invalid, "the message's id must have 1 to %d octets", maxSignedID)
		}
		sum := sha256.Sum256(body)
		return serve(w, r, message{tenant: t, id: id, body: body, digest: hex.EncodeToString(sum[:])})
	}
}

func (m *Middleware) servePush(w http.ResponseWriter, r *http.Request, msg message) error {
	var push PushEvent
	if err := decode(msg.body, &push); err != nil {
		return err
	}
	if err := push.Manifest.Validate(); err != nil {
		return fault.Fields{{Field: "manifest", Detail: fault.Public(err)}}
	}
	source, err := msg.tenant.source(push.DataSource)
	if err != nil {
		return err
	}
	imp, err := m.importer(msg.tenant, source)
	if err != nil {
		return err
	}
	job, err := imp.Start(r.Context(), msg.id, msg.digest, push.Manifest)
	if err != nil {
		return err
	}
	m.log.Info("import accepted", "tenant", msg.tenant.id, "job", job.ID, "manifest", string(push.Manifest))
	w.Header().Set("Location", "/api/tenants/"+url.PathEscape(msg.tenant.id)+"/imports/"+url.PathEscape(job.ID))
	return reply(w, http.StatusAccepted, job.Body)
}

// serveJob looks for the job with every data source: callers know it by its id only.
func (m *Middleware) serveJob(w http.ResponseWriter, r *http.Request) error {
	t, err := m.openTenant(r.Context(), r.PathValue("tenant"))
	if err != nil {
		return err
	}
	for _, s := range t.sources {
		imp, err := m.importer(t, s)
		if fault.Is(err, fault.Unsupported) {
			continue
		}
		if err != nil {
			return err
		}
		job, err := imp.Job(r.Context(), r.PathValue("job"))
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		return reply(w, http.StatusOK, job.Body)
	}
	return fault.New(fault.NotFound, "there is no such import")
}

func (m *Middleware) serveCommand(w http.ResponseWriter, r *http.Request, msg message) error {
	var c Command
	if err := decode(msg.body, &c); err != nil {
		return err
	}
	active, err := m.obey(r.Context(), msg.tenant, msg.id, msg.digest, c)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, active)
}

func (m *Middleware) serveCampaigns(w http.ResponseWriter, r *http.Request) error {
	t, err := m.openTenant(r.Context(), r.PathValue("tenant"))
	if err != nil {
		return err
	}
	campaigns, err := t.snapshot(r.Context())
	if err != nil {
		return err
	}
	out := []campaign.Active{}
	for _, id := range slices.Sorted(maps.Keys(campaigns)) {
		out = append(out, campaigns[id])
	}
	return reply(w, http.StatusOK, out)
}

func (m *Middleware) serveCampaign(w http.ResponseWriter, r *http.Request) error {
	_, c, err := m.campaign(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, c)
}

func (m *Middleware) serveStatistics(w http.ResponseWriter, r *http.Request) error {
	t, c, err := m.campaign(r)
	if err != nil {
		return err
	}
	s, err := statistics(r.Context(), t, c)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s)
}

func (m *Middleware) campaign(r *http.Request) (*tenant, campaign.Active, error) {
	t, err := m.openTenant(r.Context(), r.PathValue("tenant"))
	if err != nil {
		return nil, campaign.Active{}, err
	}
	campaigns, err := t.snapshot(r.Context())
	if err != nil {
		return nil, campaign.Active{}, err
	}
	c, ok := campaigns[campaign.ID(r.PathValue("campaign"))]
	if !ok {
		return nil, campaign.Active{}, fault.New(fault.NotFound, "there is no such campaign")
	}
	return t, c, nil
}
