// Package doveadm speaks to the administration of a Dovecot over HTTP, as far as reserving UIDs
// needs it: the state of a mailbox, and raising its UIDNEXT and HIGHESTMODSEQ.
//
// It knows nothing of sessions and injections; package gateway/reserve says what may be made of
// the numbers.
//
// Why over HTTP and not by the doveadm command: the gateway need not run where Dovecot runs, and
// three commands in one request cost one round trip and no process.
package doveadm
