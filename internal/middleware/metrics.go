package middleware

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/decision"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
)

// metrics are the middleware's own; labels have few values, never people or campaigns.
type metrics struct {
	lookup    prometheus.Histogram
	claims    *prometheus.CounterVec
	voids     *prometheus.CounterVec
	events    *prometheus.CounterVec
	rejected  *prometheus.CounterVec
	conflicts prometheus.Counter
	sweeps    prometheus.Counter
	requests  *prometheus.HistogramVec
	streams   prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		lookup: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "inlay_lookup_seconds", Help: "Duration of the lookup at login, in seconds.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 14),
		}),
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_claims_total", Help: "Claims asked for, by result: won, or the kind of the refusal.",
		}, []string{"result"}),
		voids: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_voids_total", Help: "Claims and placements that were voided, by whether the offer was released at once.",
		}, []string{"released"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_events_total", Help: "Events told to the store, by type; one told twice is counted here twice and in statistics once.",
		}, []string{"type"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_decision_rejected_total", Help: "Campaigns not offered at a lookup, by reason.",
		}, []string{"reason"}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlay_person_conflicts_total", Help: "Changes of a person that had to be decided anew because another instance was faster.",
		}),
		sweeps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlay_swept_people_total", Help: "People looked at by sweeps of recalled and ended campaigns.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "inlay_change_streams", Help: "Change streams that are followed now.",
		}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlay_middleware_request_seconds", Help: "Duration of requests to the middleware's HTTP APIs, in seconds, by route and status.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, []string{"route", "status"}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.lookup, m.claims, m.voids, m.events, m.rejected, m.conflicts, m.sweeps, m.requests, m.streams} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("registering the middleware's metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) claimed(err error) {
	result := "won"
	if err != nil {
		result = fault.KindOf(err).String()
	}
	m.claims.WithLabelValues(result).Inc()
}

// refused counts reasons; each is looked up once, not once per campaign.
func (m *metrics) refused(list []decision.Rejection) {
	reasons := map[decision.Reason]int{}
	for _, r := range list {
		reasons[r.Reason]++
	}
	for reason, n := range reasons {
		m.rejected.WithLabelValues(string(reason)).Add(float64(n))
	}
}

func (m *metrics) recorded(events []event.Event) {
	for _, e := range events {
		m.events.WithLabelValues(string(e.Type)).Inc()
	}
}

func (m *metrics) lookedUp(since time.Time) { m.lookup.Observe(time.Since(since).Seconds()) }
