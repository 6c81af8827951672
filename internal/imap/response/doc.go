// Package response reads what servers say: the start of each response, far enough to know
// what it is, and then as much of the rest as the caller wants to hold, stream or take apart.
//
// It knows the grammar of RFC 3501 §7 and §9 and RFC 9051 §7, and of RFC 4315 (UIDPLUS), 4731
// (ESEARCH) and 7888 (LITERAL+) what a proxy must understand. It must not know commands,
// sessions or the view, and never rewrites.
//
// Invariants: the Raw of a Head and the octets of its rest, concatenated, are what came. A
// response is streamed through the Reader's buffer whatever its size; what is held is bounded
// by the caller. Malformed responses are fault.Invalid, too large ones fault.TooLarge, each
// with what was expected and where; after either the Reader is of no more use, because nobody
// knows where the next response begins.
//
// Why not a parser of whole responses: a FETCH of a gigabyte is relayed through a buffer of
// 4 kB, and what is not understood must pass unchanged.
package response
