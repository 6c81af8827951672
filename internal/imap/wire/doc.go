// Package wire cuts a stream of IMAP into tokens and loses no octet: the raw octets of all
// tokens, concatenated, are the stream, however it arrived in pieces.
//
// It knows the lexical level of RFC 9051 §9 and nothing of commands or responses. It holds at
// most one buffer: tokens longer than that come in pieces, literals always do.
//
// Why not a parser of values: most of what passes a proxy is forwarded as it came, and a
// value that was parsed and written again is never quite what it was.
package wire
