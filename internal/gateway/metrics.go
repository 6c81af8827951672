package gateway

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/placement"
)

// metrics of a gateway. Names end in their unit; reasons are a closed set (see reasons).
type metrics struct {
	sessions    prometheus.Gauge
	logins      *prometheus.CounterVec // result
	injected    prometheus.Counter
	notInjected *prometheus.CounterVec // reason
	lookup      prometheus.Histogram
	calls       *prometheus.CounterVec // call, result
	doorbells   *prometheus.CounterVec // kind
	markers     *prometheus.CounterVec // what
	raises      *prometheus.CounterVec // what
	late        prometheus.Counter
	passed      prometheus.Counter
	replayed    prometheus.Counter
	compressed  prometheus.Counter
	closed      *prometheus.CounterVec // reason
}

// Why something was not injected, or a session was served without its injected messages.
const (
	reasonTimeout     = "lookup_timeout"     // the middleware did not answer within the budget
	reasonUnavailable = "middleware_failed"  // it answered with an error, or with garbage
	reasonBreaker     = "breaker_open"       // it failed before, and is left alone for a while
	reasonReadOnly    = "read_only"          // EXAMINE, or SELECT said READ-ONLY
	reasonFlags       = "permanent_flags"    // the marker's flags cannot be stored
	reasonRights      = "rights"             // MYRIGHTS lacks one of i s t e w
	reasonNoUIDPlus   = "no_uidplus"         // the backend has no UIDPLUS, or says UIDNOTSTICKY
	reasonNoUIDNext   = "no_uidnext"         // SELECT did not say UIDNEXT or UIDVALIDITY
	reasonAppend      = "append_refused"     // the marker got a NO: quota, most often
	reasonKept        = placement.ReasonKept // the marker could not be expunged
	reasonClaim       = "claim_refused"      // somebody else has it, or it is over
	reasonConfirm     = "confirm_failed"     // the claim was voided meanwhile, or the store is gone
	reasonRender      = "render_failed"      // the template cannot be had or rendered
	reasonTaken       = "uid_taken"          // the backend holds a message with that UID
	reasonValidity    = "uidvalidity"        // the mailbox is another one by now
	reasonLate        = "told_past_its_uid"  // the client has been told of what lies behind it
	reasonUnresolved  = "claim_not_resolved" // another session's claim neither ended nor could be ended
)

var reasons = []string{
	reasonTimeout, reasonUnavailable, reasonBreaker, reasonReadOnly, reasonFlags, reasonRights, reasonNoUIDPlus,
	reasonNoUIDNext, reasonAppend, reasonKept, reasonClaim, reasonConfirm, reasonRender, reasonTaken, reasonValidity,
	reasonLate, reasonUnresolved,
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "inlay_gateway_sessions", Help: "Client connections open now.",
		}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_gateway_logins_total", Help: "Logins relayed, by the backend's answer.",
		}, []string{"result"}),
		injected: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlay_injected_total", Help: "Messages injected by this gateway.",
		}),
		notInjected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_not_injected_total",
			Help: "Times that a mailbox was opened without what could have been injected or shown, by reason.",
		}, []string{"reason"}),
		lookup: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "inlay_gateway_lookup_seconds", Help: "Time that the lookup at login took, answered or not.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .15, .25, .5, 1, 2, 5},
		}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_gateway_middleware_calls_total", Help: "Calls of the injection API, by call and result.",
		}, []string{"call", "result"}),
		doorbells: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_gateway_doorbells_total", Help: "Signs of an injection elsewhere that made a session read its placements, by kind.",
		}, []string{"kind"}),
		markers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_gateway_markers_total", Help: "Markers met, by what was done: reserved, hidden, recovered, kept.",
		}, []string{"what"}),
		late: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlay_gateway_late_total", Help: "Injected messages learnt of after their client was told past their UID.",
		}),
		compressed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlay_gateway_compressed_total", Help: "Sessions that have turned on compression.",
		}),
		raises: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_gateway_raises_total", Help: "Raises of HIGHESTMODSEQ for changes of injected messages, and what became of settling them.",
		}, []string{"what"}),
		passed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlay_gateway_passed_total", Help: "Times that a client was told past UIDs while the placements could not be read.",
		}),
		replayed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlay_gateway_replayed_total", Help: "Injected messages whose mod-sequence is raised anew because a client may have been told past them.",
		}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlay_gateway_closed_total", Help: "Sessions ended by the gateway, by reason.",
		}, []string{"reason"}),
	}
	for _, r := range reasons {
		m.notInjected.WithLabelValues(r)
	}
	if reg != nil {
		for _, c := range []prometheus.Collector{
			m.sessions, m.logins, m.injected, m.notInjected, m.lookup, m.calls, m.doorbells, m.markers, m.raises, m.late, m.passed, m.replayed, m.compressed, m.closed,
		} {
			// Two gateways in one process share their metrics' names: the second keeps its own, unexported.
			if err := reg.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
				return nil, fmt.Errorf("registering the gateway's metrics: %w", err)
			}
		}
	}
	return m, nil
}
