// Package storetest is the battery that every engine of package store passes: the contract of
// store.Store, Documents and Keyspace, at their limits and one past them, under concurrency,
// after repetition, cancelling, closing and reopening.
//
// It must not know any engine. What the contract leaves open it does not ask.
//
// Why a battery and not tests of each engine: two engines that both pass the tests written for
// them are two contracts.
package storetest
