package api

import (
	"fmt"
	"strings"
)

// Base is the path below which everything is served.
const Base = "/api/v1"

// Header names beyond the registered ones.
const (
	HeaderIdempotencyKey = "Idempotency-Key"
)

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false" doc:"In the order of their ids."`
	Next  string `json:"next,omitempty" doc:"Cursor of the following page; absent on the last one."`
}

// Problem is the body of every error (RFC 9457).
type Problem struct {
	Type     string        `json:"type,omitempty"`
	Title    string        `json:"title,omitempty"`
	Status   int           `json:"status,omitempty"`
	Detail   string        `json:"detail,omitempty"`
	Instance string        `json:"instance,omitempty"` // names the log line about an internal error
	Errors   []ProblemItem `json:"errors,omitempty"`
}

// ProblemItem is one of the things that are wrong.
type ProblemItem struct {
	Message  string `json:"message,omitempty"`
	Location string `json:"location,omitempty"` // as "body.end", "query.limit", "line 17", "the HTML part, line 3, column 8"
	Value    any    `json:"value,omitempty"`
}

// Error gives the detail and everything that is wrong, on one line.
func (p *Problem) Error() string {
	var b strings.Builder
	switch {
	case p.Detail != "":
		b.WriteString(p.Detail)
	case p.Title != "":
		b.WriteString(p.Title)
	default:
		fmt.Fprintf(&b, "status %d", p.Status)
	}
	for i, e := range p.Errors {
		b.WriteString([...]string{": ", "; "}[min(i, 1)])
		if e.Location != "" {
			b.WriteString(e.Location + ": ")
		}
		b.WriteString(e.Message)
	}
	return b.String()
}
