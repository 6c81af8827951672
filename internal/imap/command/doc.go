// Package command reads what clients say: whole commands with their literals, held within
// limits, and the arguments of those that a proxy with a virtual mailbox must understand.
//
// Positions in the raw octets are kept with the arguments, so that a set or a list can be
// replaced and everything else be sent as it was written. The message of an APPEND is not
// held: the caller streams it.
//
// It knows the grammar of RFC 3501 §9 with RFC 2971 (ID), 4315 (UIDPLUS), 4959 (SASL-IR) and
// 7888 (LITERAL+); it knows nothing of sessions and of what a command is good for.
package command
