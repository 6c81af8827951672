// Package decision says who gets what now, and why everything else is not chosen.
//
// It is a pure function of its input: no clock, no I/O, no randomness. The same input gives
// the same answer on every instance and every retry, so that an answer can be explained later
// by running it again.
//
// It knows the domain (campaigns, placements) and neither store nor HTTP. Inputs that the
// middleware does not have yet (consent, caps, quiet hours, rules) are not options here; they
// become gates together with the data that feeds them.
package decision
