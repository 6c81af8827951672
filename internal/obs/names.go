package obs

import "slices"

// Names are the attribute names that logs may have. Anything that identifies a person here is
// a login name or an address; mail, credentials and keys have no name and cannot be logged.
func Names() []string { return slices.Clone(names[:]) }

// names is sorted.
var names = [...]string{
	"addr",   // address that is listened on or connected to
	"answer", // kind of a response
	"attempt",
	"backend",    // address of the real mail server
	"bytes",      // octets of a response's body
	"call",       // of the injection API
	"campaign",   // its id
	"command",    // name of a command, of IMAP or to a campaign
	"configured", // value in the configuration
	"count",
	"dataSource", // its id
	"dir",
	"duration",
	"error",
	"event",    // type of an event
	"failures", // in a row
	"file",
	"id", // of what the message speaks of
	"job",
	"kept", // value that stays in force
	"key",  // of the configuration
	"keyspace",
	"kind",
	"line",
	"mailbox",
	"manifest",
	"method",
	"operation", // of the platform's API
	"panic",
	"path", // of a URL, without its query
	"placement",
	"reason",
	"reference", // that an answer named for an internal error
	"rejected",  // rows of an import
	"remote",    // address of a client
	"revision",
	"role",
	"roles",
	"rows",
	"seconds",
	"signal",
	"stack",
	"state",
	"status", // of HTTP
	"step",
	"template", // digest
	"tenant",
	"uid",
	"uids",
	"user", // login name
	"version",
}

func listed(name string) bool {
	_, ok := slices.BinarySearch(names[:], name)
	return ok
}
