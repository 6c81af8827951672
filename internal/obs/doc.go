// Package obs is how the program is observed: logs that keep secrets to themselves, metrics,
// health and readiness, and a line about each HTTP request.
//
// It must not know what the roles do: they get a *slog.Logger and a prometheus.Registerer,
// and give a function that says whether they are ready.
//
// Invariants:
//   - What is written to the log under a name that is not in Names is replaced by a mark. A
//     test reads the project's sources and fails for a name that is not there, so that in
//     practice nothing is replaced; but a mistake costs a detail and never a password.
//   - The program's secrets (Config.Secrets) are not written whatever they are a part of: the
//     text of an error, a URL, a message.
//   - /healthz says that the process works; /readyz says whether work should be sent to it, by
//     role and with the reason. Neither says anything that a stranger must not know.
//
// Why a handler and not care at each call: care fails silently, and logs are kept and copied.
package obs
