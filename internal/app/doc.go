// Package app is the composition root: it turns a configuration into running roles, starts
// them in order and stops them in two stages.
//
// It is the only package that knows which engine is behind a contract (store, object), and
// the only one that constructs what the wings provide. Nobody imports it but internal/cli.
//
// Invariants: whatever can fail while wiring fails before the first listener accepts, with
// the configuration's key in the message; listening is separate from serving, so that an
// address that is taken is known at once; what was opened is closed in reverse order.
//
// Its tests also hold the shape of the whole tree: which package may import which, and why
// (edges_test.go); that every package says what it is for, and that no file grows past
// reading (shape_test.go); that every dependency is accounted for (dependencies_test.go).
//
// Why not a container that finds constructors by type: a start that can be read from top to
// bottom is worth the lines.
package app
