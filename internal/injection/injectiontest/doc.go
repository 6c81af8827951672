// Package injectiontest is the battery that every implementation of injection.Service passes.
//
// It knows the contract and nothing of how it is kept; what a test needs beside the service
// (campaigns, counts, the clock) it asks of an Admin. It proves, among others: one winner
// however many claim, tokens that fence, ends that are final, and events that are recorded
// once however often they are told.
package injectiontest
