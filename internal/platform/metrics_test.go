package platform_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/platform"
	"inlay.example/inlay/internal/platform/api"
)

func TestRequestsAreMeasured(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	s := serve(t, newWorld(t).instance(t, nowhere, func(_ *platform.Config, d *platform.Deps) { d.Registerer = registry }).Handler())
	s.expect(200, "GET", api.Base+"/campaigns", "")
	s.expect(422, "GET", api.Base+"/campaigns?limit=0", "")
	s.expect(404, "GET", api.Base+"/campaigns/none", "")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, f := range families {
		if f.GetName() != "inlay_platform_request_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			key := ""
			for _, l := range m.GetLabel() {
				key += l.GetValue() + " "
			}
			got[key] = m.GetHistogram().GetSampleCount()
		}
	}
	for _, want := range []string{"list-campaigns 200 ", "list-campaigns 422 ", "get-campaign 404 "} {
		if got[want] != 1 {
			t.Errorf("%q counted %d times: %v", want, got[want], got)
		}
	}
}
