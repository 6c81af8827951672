// Package examples holds templates and an audience to begin with: copy them, change them, and
// run them as they are:
//
//	inlay campaign run --template examples/welcome.eml --audience examples/people.csv --name Welcome
//
// It must not know what is done with them: it holds files and nothing else. They compile, and
// render for everybody in the audience, which a test holds.
//
// Why not in the demo: there a reader would not find them, and the demo shows what is here.
package examples
