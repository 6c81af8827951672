// Package cli is the command line: commands, flags, what is printed, and exit codes.
//
// It must not know how roles are put together (package app does), nor how campaigns are made
// (the platform's client asks the platform); it translates between people, scripts and those.
//
// Invariants:
//   - What a command was asked for goes to standard output, everything else to standard error.
//     With --json, standard output has JSON only.
//   - Exit codes: 0 done; 1 failed or refused; 2 the command line, a configuration or an input
//     file is wrong; 3 a server did not answer, trying again may help; 4 the token is missing,
//     wrong or not allowed to.
//   - Nothing here reads the process's globals: arguments, environment and streams come in
//     through IO, so that everything can be tested.
//
// Why cobra: completion, help and suggestions as people know them from other tools.
package cli
