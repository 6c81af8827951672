package examples

import "embed"

// Files are alert.eml, welcome.eml and offer.eml, and people.csv with the columns that all of
// them ask for.
//
//go:embed *.eml people.csv
var Files embed.FS
