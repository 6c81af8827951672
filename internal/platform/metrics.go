package platform

import (
	"fmt"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the platform's own; labels have few values, never people or campaigns.
type metrics struct {
	requests *prometheus.HistogramVec
	steps    *prometheus.CounterVec
	waiting  prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlay_platform_request_seconds", Help: "Duration of requests to the platform's API, in seconds, by operation and status.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 18),
		}, []string{"operation", "status"}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_platform_steps_total", Help: "Steps of the work on campaigns, by result: done, or waits because something does not answer.",
		}, []string{"result"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "inlay_platform_campaigns_waiting", Help: "Campaigns whose last step has failed and is tried again.",
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.steps, m.waiting} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("registering the platform's metrics: %w", err)
		}
	}
	return m, nil
}

// observe measures a request, also one that was refused before its operation.
func (m *metrics) observe(ctx huma.Context, next func(huma.Context)) {
	start := time.Now()
	next(ctx)
	m.requests.WithLabelValues(ctx.Operation().OperationID, strconv.Itoa(ctx.Status())).Observe(time.Since(start).Seconds())
}
