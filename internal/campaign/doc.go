// Package campaign is the domain of campaigns: what one is, when it runs, and which
// changes of state are allowed.
//
// It is pure: no HTTP, no SQL, no IMAP, no clock. It is spoken by the platform, which makes
// campaigns (Campaign), and by the middleware, which decides with them (Active); the two
// share nothing else.
//
// Invariants: a state changes along State.Next only; the revision of commands only grows;
// what is over has nothing pending; Cancelled is final for whoever could be shown anything.
//
// A command is a wish first (Wish), durable where the campaign is kept, and becomes a state
// when the middleware has obeyed (Acknowledged). Why not the state at once: a campaign shown
// as paused that still injects is a lie that somebody has to answer for.
package campaign
