// Package campaign is the domain of campaigns: what one is, when it runs, and which
// changes of state are allowed.
//
// It is pure: no HTTP, no SQL, no IMAP, no clock. It is spoken by the platform, which makes
// campaigns, and by the middleware, which decides with them; the two share nothing else.
package campaign
