package importer

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are shared by all importers of an instance; labels have few values, never tenants.
type Metrics struct {
	jobs *prometheus.CounterVec
	rows *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_import_jobs_total", Help: "Imports that ended, by result: complete, unchanged or failed.",
		}, []string{"result"}),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_import_rows_total", Help: "Rows of imports that ended, by result: accepted or rejected.",
		}, []string{"result"}),
	}
	for _, c := range []prometheus.Collector{m.jobs, m.rows} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("registering the importer's metrics: %w", err)
		}
	}
	return m, nil
}

// ended counts a job; of nil metrics it does nothing.
func (m *Metrics) ended(s Status) {
	if m == nil {
		return
	}
	result := string(s.State)
	if s.Unchanged {
		result = "unchanged"
	}
	m.jobs.WithLabelValues(result).Inc()
	m.rows.WithLabelValues("accepted").Add(float64(s.Rows.Read - s.Rows.Rejected))
	m.rows.WithLabelValues("rejected").Add(float64(s.Rows.Rejected))
}
