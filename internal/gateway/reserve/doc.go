// Package reserve burns UIDs: it makes the backend give a UID to nothing, so that an injected
// message can live under it for ever (docs/virtual-mailbox.md §3).
//
// The contract is Reserver, with two implementations. Marker needs nothing but the user's own
// connection: a short-lived message is appended and expunged. Ahead asks the server's
// administration (package doveadm), which makes no message at all.
//
// It knows neither placements nor the view: what the connection hears goes into the view on
// the way, and Conn tells what matters here.
//
// Implements the use of RFC 4315 (UIDPLUS) and RFC 3502 (MULTIAPPEND).
package reserve
