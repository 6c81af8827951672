// Package wire cuts a stream of IMAP into tokens and loses no octet: the raw octets of all
// tokens, concatenated, are the stream, and the tokens are the same however it arrived in
// pieces.
//
// It knows the lexical level of RFC 9051 §9 with the literals of RFC 7888 and RFC 3516, and
// nothing of commands or responses. It must not know what a line means, and writes nothing.
//
// Invariants: it holds one buffer and nothing else, so tokens longer than that come in pieces,
// and literals always do; a literal that announces more than the limit is refused before any
// of it is read; an error of the stream comes behind everything that was read before it.
//
// Why not a parser of values: most of what passes a proxy is forwarded as it came, and a
// value that was parsed and written again is never quite what it was.
package wire
