// Package examples holds templates and an audience to begin with: copy them, change them, and
// run them as they are:
//
//	inlay campaign run --template examples/welcome.eml --audience examples/people.csv --name Welcome
//
// It holds files and nothing else; the demo embeds them from here, so that what it shows is
// what a reader finds.
package examples

import "embed"

// Files are alert.eml, welcome.eml and offer.eml, and people.csv with the columns that all of
// them ask for.
//
//go:embed *.eml people.csv
var Files embed.FS
