// Package message turns templates into messages, and shows messages as IMAP does.
//
// A template is an .eml source: it is compiled once and rendered for each person; the same
// template, variables and placement give the same octets, for ever, because the octets under
// a UID must never change. The language is a small part of Liquid, escaped by the context in
// which a tag stands; it reads no files, loops over nothing, and is bounded in its output.
//
// The other half is what FETCH and SEARCH ask of a message: envelope, body structure,
// sections and search keys (RFC 3501 §6.4.4, §6.4.5, §7.4.2), as Dovecot would answer of the
// same octets.
//
// It knows no store, no network and no clock.
//
// Why not an existing Liquid: the ones there are include files by default, loop without
// bound, and know nothing of contexts. One of them is the oracle of our tests.
package message
