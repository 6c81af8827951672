// Package client is the Go client of the platform's HTTP API: one method per call, typed by
// package api.
//
// Errors are faults of the kind that the status stands for, with the problem's text; the
// problem itself is found with ProblemOf. What does not answer, or answers something that is
// not the API's, is Unavailable. The client repeats nothing by itself: whoever wants to repeat
// a creation gives it an idempotency key. It is safe for concurrent use.
package client
