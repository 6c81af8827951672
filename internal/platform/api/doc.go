// Package api is what the platform's HTTP API speaks: the JSON of requests and answers, shared
// by the server and its Go client, so that neither can drift from the other.
//
// The tags doc, enum, minimum … become the OpenAPI document. The package knows nothing of HTTP
// servers, stores or jobs.
package api
