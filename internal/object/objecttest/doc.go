// Package objecttest is the battery that every engine of package object passes: whole or not
// at all, keys, places within an object, pages, many at once, readers that break.
//
// It must not know any engine. What the contract leaves open it does not ask.
package objecttest
