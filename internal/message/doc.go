// Package message turns templates into messages, and shows messages as IMAP does.
//
// A template is an .eml source: it is compiled once and rendered for each person; the same
// template, variables and placement give the same octets, for ever, because the octets under
// a UID must never change. The language is a small part of Liquid, escaped by the context in
// which a tag stands; it reads no files, loops over nothing, and is bounded in its output.
//
// Sources are read, and values put in, before anything is encoded: an encoding would cut tags
// in two. What a value may do is decided when the template is compiled: which addresses, header
// fields, parts and elements there are does not depend on it.
//
// The other half is what FETCH and SEARCH ask of a message: envelope, body structure,
// sections and search keys (RFC 3501 §6.4.4, §6.4.5, §7.4.2), as Dovecot would answer of the
// same octets. Where the RFCs and Dovecot differ Dovecot wins, because clients have seen what
// it says for years; testdata/dovecot holds what it said of every message in testdata.
//
// Invariants: rendering is a function of template, variables and System; a rendered message is
// ASCII in lines of at most 998 octets, ended by CRLF; every section is a slice of it.
//
// RFCs: 5322, 2045 to 2047, 2183, 2231, 2369, 2919, 3834, 6068; 3501, 3516, 5051, 8970, 9051 for the
// views.
//
// It knows no store, no network and no clock.
//
// Why not an existing Liquid: the ones there are include files by default, loop without
// bound, and know nothing of contexts. One of them is the oracle of our tests.
package message
