// Package event is what happened to placements: typed, identified so that recording one
// twice is impossible, and counted per campaign.
//
// It knows no HTTP and no SQL. Delivery to conversion points builds on it.
package event
