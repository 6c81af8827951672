// Package response reads what servers say: the start of each response, far enough to know
// what it is, and then as much of the rest as the caller wants to hold, stream or take apart.
//
// It knows the grammar of RFC 9051 §7 and RFC 3501 §7 and the response codes that a proxy
// must understand. It knows nothing of commands, sessions or the view, and never rewrites.
//
// Why not a parser of whole responses: a FETCH of a gigabyte is relayed through a buffer of
// 4 kB, and what is not understood must pass unchanged.
package response
