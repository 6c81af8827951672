// Package command reads what clients say: whole commands with their literals, held within
// limits, and the arguments of those that a proxy with a virtual mailbox must understand.
//
// Positions in the raw octets are kept with the arguments, so that a set or a list can be
// replaced and everything else be sent as it was written. The messages of an APPEND are not
// held: the caller streams them.
//
// It knows the grammar of RFC 3501 §9 with RFC 2177 (IDLE), 2342 (NAMESPACE), 2971 (ID), 3502
// (MULTIAPPEND), 3691 (UNSELECT), 4314 (ACL), 4315 (UIDPLUS), 4959 (SASL-IR), 5161 (ENABLE), 5258
// (LIST-EXTENDED), 5464 (METADATA), 5819 (LIST-STATUS), 6154 (SPECIAL-USE), 7162 (CONDSTORE,
// QRESYNC), 7888 (LITERAL+), 7889 (APPENDLIMIT), 8438 (STATUS=SIZE), 8474 (OBJECTID), 8514 (SAVEDATE), 8970 (PREVIEW), 3516 (BINARY), 9394 (PARTIAL) and 9208 (QUOTA). It must
// not know sessions, what a command is good for, or what the server answers.
//
// Invariants: Raw is exactly what came. What is held of a command is bounded by Limits,
// whatever a literal announces. After a *BadError, or with Command.Err, the stream stands at
// the next command; after any other error it is of no more use.
//
// More than the grammar is let through where servers do so too, and with no doubt of what is
// meant: several spaces for one, spaces at a line's end and within parentheses, 8-bit octets
// in strings that are not quoted. Syntax of extensions that are not offered is recognised and
// named (fault.Unsupported), so that no server that knows it can act upon it.
//
// Why not a table of everything in IMAP: what is not named here is not understood, and a
// command that is not understood must not reach a server behind whose back messages are shown.
package command
