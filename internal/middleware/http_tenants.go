package middleware

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

// tenantRoutes serves the reference's calls, path by path and field by field.
func (m *Middleware) tenantRoutes(mux *http.ServeMux) {
	m.handle(mux, "/api/tenants", methods{
		http.MethodGet: m.authorised(m.serveTenants), http.MethodPost: m.authorised(m.serveCreateTenant),
	})
	m.handle(mux, "/api/tenants/{tenant}", methods{
		http.MethodGet: m.authorised(m.serveTenant), http.MethodDelete: m.authorised(m.serveDeleteTenant),
	})
	for _, list := range [...]string{"dataSources", "conversionPoints"} {
		m.handle(mux, "/api/tenants/{tenant}/"+list, methods{
			http.MethodGet: m.authorised(m.serveList(list)), http.MethodPut: m.authorised(m.serveReplaceList(list)),
		})
	}
}

func (m *Middleware) serveTenants(w http.ResponseWriter, r *http.Request) error {
	out := []any{}
	err := eachDoc(r.Context(), m.store.Control(), kindTenant, func(doc store.Doc) error {
		t, err := parseTenant(doc)
		if err != nil {
			return err
		}
		out = append(out, masked(t.tree))
		return nil
	})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, out)
}

func (m *Middleware) serveCreateTenant(w http.ResponseWriter, r *http.Request) error {
	createDB := false
	if q := r.URL.Query().Get("createDB"); q != "" {
		var err error
		if createDB, err = strconv.ParseBool(q); err != nil {
			return fault.New(fault.Invalid, "createDB: must be true or false")
		}
	}
	body, err := readBody(w, r, maxTenantBody)
	if err != nil {
		return err
	}
	var tree map[string]any
	if err := decodeTree(body, &tree); err != nil {
		return err
	}
	doc, err := m.createTenant(r.Context(), tree, createDB)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/tenants/"+url.PathEscape(doc.config.ID)+"/")
	return reply(w, http.StatusCreated, masked(doc.tree))
}

func (m *Middleware) serveTenant(w http.ResponseWriter, r *http.Request) error {
	doc, err := m.tenantDoc(r.Context(), r.PathValue("tenant"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, masked(doc.tree))
}

func (m *Middleware) serveDeleteTenant(w http.ResponseWriter, r *http.Request) error {
	if err := m.deleteTenant(r.Context(), r.PathValue("tenant")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (m *Middleware) serveList(field string) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		doc, err := m.tenantDoc(r.Context(), r.PathValue("tenant"))
		if err != nil {
			return err
		}
		list, ok := doc.tree[field].([]any)
		if !ok {
			list = []any{}
		}
		return reply(w, http.StatusOK, masked(list))
	}
}

func (m *Middleware) serveReplaceList(field string) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := readBody(w, r, maxTenantBody)
		if err != nil {
			return err
		}
		var list []any
		if err := decodeTree(body, &list); err != nil {
			return err
		}
		if list == nil {
			return fault.New(fault.Invalid, "the body must be a list")
		}
		list, err = m.replaceList(r.Context(), r.PathValue("tenant"), field, list)
		if err != nil {
			return fmt.Errorf("replacing %s: %w", field, err)
		}
		return reply(w, http.StatusOK, masked(list))
	}
}
