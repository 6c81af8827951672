// Package laws looks for differences between an injected message and a delivered one. It makes
// up dialogues of IMAP commands, plays each of them twice, and compares what came back, token by
// token:
//
//   - the delivery law: on the bare server to which the messages were delivered (APPEND), and
//     through gateways that inject the same octets;
//   - the erasure law: through gateways that inject, with the injected messages taken out of the
//     transcript and the rest renumbered, and on the bare server that never had them.
//
// Where to look:
//
//	dialogue.go  a dialogue, and its text form: what is written for a difference, and played again
//	generate*.go a dialogue made up as it goes, from a seed and what has been heard so far
//	world.go     the servers: a real one, a middleware and two gateways in this process
//	side.go      one side of a comparison: sessions, and what they were told
//	play.go      one step on both sides, in the same order of events
//	numbers.go   a set of the dialogue in each side's numbering, and back
//	answer.go    what came back, taken apart; normal.go results.go in the form that is compared; declared.go what may differ, and why
//	shrink.go    a dialogue that differs made as short as can be
//	run.go       many dialogues at the same time, with a count
//
// Invariants:
//
//   - A dialogue needs nothing but its text: whoever plays it again sees the same events in the
//     same order. There is no waiting for a time, only for answers.
//   - The oracle is the server. Nothing here knows what the answer to a command is; it knows
//     which parts of an answer are numbers of messages, so that those of two mailboxes with
//     other numbers can be compared.
//   - What may differ is in one list, Declared, each with its reason; docs/laws.md is held to it
//     by a test, and a test shows that each is needed.
//
// It must not know the gateway from inside: it speaks IMAP to it, and runs campaigns in a
// middleware. Why the two sides are not played at different times from a recording: what is said
// next depends on what was heard (numbers, UIDs), and the octets of a letter and its date exist
// only once it is injected.
package laws
