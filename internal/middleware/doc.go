// Package middleware answers "what is for this person, now", keeps what became of it, and
// has the HTTP APIs around that: tenants and their data sources as in the reference, signed
// pushes and commands, and the injection API with its Go client.
//
// It must not know IMAP connections, SQL, or which engines are behind store and objects; it
// does not know the platform, which speaks to it like any other tool.
//
// Invariants:
//   - A person's record changes only by read, pure transition (package placement), and
//     compare-and-set of the whole person (store.Keyspace.Apply). Within a process the changes
//     of one person queue up, so that a burst of connections is not a storm of conflicts.
//   - What is past its end, or whose campaign was recalled, is never answered as live, whether
//     or not a sweep has come by, and whether or not the store can be written at the moment.
//   - Identifiers of placements and events are derived by a key that is made with the tenant's
//     keyspace and never changes; it stays when the tenant's configuration is deleted.
//   - Secrets of a tenant are written, compared and used, but never come back in clear.
//   - Everything read from the network has a limit.
//
// Messages over HTTP are authenticated by a bearer token, pushes and commands by the tenant's
// secret (Standard Webhooks). Errors are problem+json (RFC 9457) with the fault kind in the
// member "kind".
//
// Why one CAS per person and not rows locked one by one: caps and once-only concern the person
// as a whole, and a wide-column store can make only one partition exact.
package middleware
