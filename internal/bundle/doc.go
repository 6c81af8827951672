// Package bundle is the form in which a campaign travels from whoever makes it to the
// middleware: a folder of objects with a manifest, a template and files of recipients. It
// writes bundles, reads manifests strictly, and reads recipients row by row.
//
// It must not know who sends or imports bundles, the store, or what a template says.
//
// Invariants:
//   - The manifest is written last. What it names is complete before anybody is told of it,
//     and is never changed afterwards: a correction is a new version.
//   - Sizes and sums are of the octets as they are stored, compressed or not, so that they can
//     be checked without understanding a file.
//   - Neither writing nor reading needs memory that grows with the number of recipients.
//   - A row that cannot be read costs that row and no other: what follows an unclosed quote is
//     read as if it had been closed at the end of its line.
//
// The form is documented in docs/bundle.md, its manifest by docs/bundle.schema.json; a test
// holds them and this package together. CSV is that of RFC 4180 in UTF-8.
//
// Why not one archive: parts can be made, fetched, checked and resumed one by one, and an
// object store counts no directories.
package bundle
