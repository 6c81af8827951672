// Package config is the program's one configuration file: TOML, typed, strict.
//
// It must not know what the roles do with their settings, and opens nothing but the files that
// hold secrets.
//
// Invariants:
//   - Every setting is one entry of the table in settings.go: its key, what it is for, its
//     default, and which values are possible. The reference page, `inlay config defaults` and
//     the parser all come from that table, so they cannot disagree.
//   - All that is wrong is told at once, each with its key and line. Only a file that is not
//     TOML at all stops at its first error.
//   - A key that is not in the table is an error: a misspelt setting must not be a default.
//   - A secret comes from exactly one place: the file itself, a file that it names, or the
//     environment. Two places are an error, because nobody could say which one counts.
//
// Why not decode into structs: the library stops at the first value of a wrong type, and knows
// no line for what is missing or impossible.
package config
