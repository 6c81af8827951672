package app_test

// An edge is what a package must not import, and why. Names are relative to the module for
// packages of ours (internal/…), else import paths; "x/..." is x and all below it. Several are
// separated by spaces.
type edge struct {
	from   string
	except string // packages of from that the edge does not hold for
	to     []string
	allow  string // packages of to that may be imported all the same
	direct bool   // only imports of its own files count, not what these import
	reason string
}

// Edges to packages of ours are looked for along the whole way (a import of an import counts);
// edges to others, in the package's own files. Test files may import what they need.
var edges = []edge{
	{
		from:   "internal/mailview",
		to:     []string{"net/...", "time", "context", "os", "io", "sync", "log/slog", "internal/gateway/...", "internal/injection", "internal/placement", "internal/imap/wire", "internal/imap/command", "internal/imap/response"},
		reason: "the virtual mailbox is arithmetic: with neither clock nor I/O it can be tested against a naive pair of lists",
	},
	{
		from:   "internal/imap/...",
		to:     []string{"net/...", "os", "context", "database/sql", "log/slog", "internal/gateway/...", "internal/mailview", "internal/message", "internal/placement", "internal/campaign", "internal/event", "internal/injection"},
		reason: "a codec turns octets into values and back; what they mean is the gateway's business",
	},
	{
		from:   "internal/campaign",
		to:     pure("internal/imap/...", "internal/message", "internal/placement", "internal/event"),
		reason: "the words of campaigns come first: everything may be built on them",
	},
	{
		from:   "internal/event",
		to:     pure("internal/imap/...", "internal/message", "internal/placement"),
		reason: "an event is named by what happened, not by the record that it happened to",
	},
	{
		from:   "internal/placement",
		to:     pure("internal/imap/wire", "internal/imap/command", "internal/imap/response", "internal/message"),
		reason: "of IMAP the ledger knows the vocabulary (UIDs, flags), not the language",
	},
	{
		from:   "internal/decision",
		to:     pure("internal/imap/wire", "internal/imap/command", "internal/imap/response", "internal/message"),
		reason: "who gets what must be explainable afterwards: the same input, the same answer",
	},
	{
		from:   "internal/message",
		to:     []string{"net", "net/http", "os", "os/exec", "database/sql", "context", "html/template", "text/template", "internal/store/...", "internal/object/...", "internal/gateway/...", "internal/placement", "internal/campaign"},
		reason: "the octets under a UID never change: rendering depends on template, variables and placement alone",
	},
	{
		from:   "internal/injection",
		to:     []string{"net/...", "database/sql", "internal/middleware", "internal/gateway/...", "internal/store/...", "internal/message"},
		reason: "a contract knows neither side of it",
	},
	{
		from:   "internal/store",
		to:     []string{"database/sql", "net/...", "os", "internal/store/sqlite", "internal/middleware", "internal/platform/..."},
		reason: "the contract is shaped by what every engine can do, and knows none",
	},
	{
		from:   "internal/object",
		to:     []string{"net/...", "os", "internal/object/folder"},
		reason: "the contract is shaped by what every engine can do, and knows none",
	},
	{
		from:   "internal/store/sqlite",
		to:     []string{"internal/object/...", "internal/middleware", "internal/platform/...", "internal/gateway/...", "internal/importer", "internal/injection", "net/http"},
		reason: "engines know their contract, neither each other nor who uses them",
	},
	{
		from:   "internal/object/folder",
		to:     []string{"internal/store/...", "internal/middleware", "internal/platform/...", "internal/gateway/...", "internal/importer", "net/http"},
		reason: "engines know their contract, neither each other nor who uses them",
	},
	{
		from:   "internal/gateway/...",
		to:     []string{"internal/middleware", "internal/platform/...", "internal/importer", "internal/decision", "internal/store/...", "internal/object/...", "database/sql", "net/http"},
		reason: "a gateway speaks IMAP and injection.Service: other servers drive the middleware the same way, and gateways run without a store",
	},
	{
		from:   "internal/middleware",
		to:     []string{"internal/gateway/...", "internal/platform/...", "internal/store/sqlite", "internal/object/folder", "internal/mailview", "internal/imap/wire", "internal/imap/command", "internal/imap/response", "database/sql", "os"},
		reason: "the middleware decides and counts; which engines are behind it is the composition root's choice, and any tool may stand in for the platform",
	},
	{
		from:   "internal/importer",
		to:     []string{"internal/middleware", "internal/platform/...", "internal/gateway/...", "internal/store/sqlite", "internal/object/folder", "database/sql", "net/http"},
		reason: "an import reads an object store and writes a store; who asked for it is not its business",
	},
	{
		from:   "internal/platform/...",
		to:     []string{"internal/middleware", "internal/gateway/...", "internal/importer", "internal/decision", "internal/mailview", "internal/imap/wire", "internal/imap/command", "internal/imap/response", "internal/store/sqlite", "internal/object/folder", "database/sql"},
		reason: "the platform reaches the middleware as other campaign tools do, by bundle and signed event: else the documented way would rot",
	},
	{
		from:   "internal/...",
		except: "internal/app internal/store/sqlite internal/object/folder internal/cli",
		to:     []string{"internal/store/sqlite", "internal/object/folder"},
		reason: "only the composition root chooses engines",
	},
	{
		from:   "internal/...",
		except: "internal/cli",
		to:     []string{"internal/app"},
		reason: "the composition root is imported by the command line alone; a wing that needs it asks for a global",
	},
	{
		from:   "internal/...",
		except: "internal/app",
		to:     []string{"internal/cli"},
		reason: "the command line is the outermost layer",
	},
	{
		from:   "cmd/...",
		direct: true,
		to:     []string{"internal/app", "internal/gateway/...", "internal/middleware", "internal/platform/...", "internal/config", "internal/store/...", "internal/object/..."},
		reason: "main calls cli and exits: what it did besides could not be tested",
	},
	{
		from:   "internal/fault",
		to:     []string{"net/...", "log/slog", "internal/..."},
		reason: "every package may use it, so it uses none; edges translate faults, not faults themselves",
	},
	{
		from:   "internal/bundle",
		to:     []string{"internal/store/...", "internal/object/folder", "internal/importer", "internal/middleware", "internal/platform/...", "internal/gateway/...", "net/...", "os", "database/sql"},
		reason: "a documented form that other tools write too: it knows neither who makes bundles nor who reads them",
	},
	{
		from:   "internal/demo",
		to:     []string{"internal/gateway/...", "internal/middleware", "internal/platform/...", "internal/mailview", "internal/imap/...", "internal/injection", "internal/store/...", "internal/object/..."},
		reason: "the demo's backend is a mail server like any other; what helped it to get on with our gateway would not help anybody else's",
	},
	{
		from:   "internal/obs",
		to:     []string{"internal/gateway/...", "internal/middleware", "internal/platform/...", "internal/importer", "internal/store/...", "internal/object/...", "internal/config", "internal/campaign", "internal/placement"},
		reason: "roles are observed by what they hand over, not by what they are",
	},
	{
		from:   "internal/config",
		to:     []string{"internal/gateway/...", "internal/middleware", "internal/platform/...", "internal/importer", "internal/store/...", "internal/object/...", "internal/obs", "log/slog", "net/http", "os/exec"},
		reason: "a configuration is values that were checked; what is made of them is the composition root's business",
	},
	{
		from:   "internal/cli",
		to:     []string{"internal/platform/...", "internal/middleware", "internal/gateway/...", "internal/importer", "internal/store/sqlite", "internal/object/folder", "net/http", "database/sql"},
		direct: true,
		allow:  "internal/platform/api internal/platform/client",
		reason: "commands ask the composition root for processes, and the platform's client for campaigns, as scripts elsewhere would",
	},
	{
		from:   "internal/platform/api internal/platform/client",
		to:     []string{"internal/platform", "internal/store/...", "internal/object/...", "internal/message", "internal/webhook"},
		reason: "what the API speaks is shared by both ends of it, so it knows neither",
	},
	{
		from:   "internal/webhook",
		to:     []string{"internal/middleware", "internal/platform/...", "internal/campaign", "internal/event", "internal/store/...", "internal/object/..."},
		reason: "a signature scheme that both ends share knows neither",
	},
	{
		from:   "internal/...",
		except: "internal/injection/injectiontest internal/store/storetest internal/object/objecttest internal/peertest",
		to:     []string{"testing", "internal/injection/injectiontest", "internal/store/storetest", "internal/object/objecttest", "internal/peertest"},
		reason: "batteries and peers are for tests: in the program they would be weight and doors",
	},
}

// libraries that are one package's business: whoever else needs them goes through it.
var libraries = []struct {
	path   string
	home   string // packages that may import it, space-separated, "x/..." allowed
	reason string
}{
	{"modernc.org/sqlite/...", "internal/store/sqlite", "the store's contract is not SQL"},
	{"database/sql/...", "internal/store/sqlite", "the store's contract is not SQL"},
	{"github.com/danielgtaylor/huma/v2/...", "internal/platform/...", "one framework, at one edge"},
	{"github.com/spf13/cobra/...", "internal/cli/...", "flags and exit codes are the command line's"},
	{"github.com/pelletier/go-toml/v2/...", "internal/config", "one file, read in one place"},
	{"github.com/emersion/go-message/...", "internal/message/... internal/demo", "what a message is, one package says; the demo's mail server searches mail of any kind"},
	{"github.com/emersion/go-imap/v2/...", "internal/demo/... internal/app", "the gateway's protocol code is ours; this is the demo's backend, and an oracle in tests"},
	{"os/exec", "internal/peertest test/...", "the program starts no other program"},
	{"unsafe", "", "nothing here needs it"},
	{"reflect", "internal/config internal/platform", "types are known when the program is compiled; a configuration is walked by its keys, strict JSON is held against the members of a type"},
}

// Domain packages see neither network nor disk nor database, nor who uses them.
func pure(more ...string) []string {
	return append([]string{
		"net/...", "os", "context", "database/sql", "log/slog", "math/rand/...",
		"internal/store/...", "internal/object/...", "internal/injection/...", "internal/middleware",
		"internal/platform/...", "internal/gateway/...", "internal/importer", "internal/mailview",
	}, more...)
}
