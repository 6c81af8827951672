// Package importer brings bundles into a keyspace: it fetches what a manifest names, checks
// sizes, sums, template and rows, and makes the whole visible in one moment.
//
// It must not know who asks for imports, HTTP, or which engines are behind store and objects.
//
// Invariants:
//   - Nothing of a bundle is visible before all of it was read, its sums were right and its rows
//     are durable. It becomes visible by one compare-and-set of the campaign's document, whose
//     version says which rows readers accept.
//   - A state that a command has made is kept: a paused campaign stays paused, and one that was
//     recalled takes no new version.
//   - A version is imported from one manifest. The same manifest again has no effect; another
//     one under the same version is refused, because rows of two would be mixed.
//   - Every step may be repeated. A job that was interrupted, even by the loss of the process,
//     goes on where it was; rows written twice are the same rows (store: the higher line wins).
//   - Memory does not grow with a bundle: rows pass in blocks of a bounded size.
//   - The jobs of a data source are worked on one after another, in the order in which they were
//     accepted, by one instance at a time. The lease that says which one is a matter of order
//     and not of safety: a second worker would write the same rows, and before it removes any it
//     makes sure that the job is still its own.
//
// A job is a document of kind "import"; its progress is in it, and what is shown of it. Of the
// bundle that counts, kind "bundle" keeps the manifest's sum. Jobs are kept for 30 days after
// their end, and as long a push that is repeated is recognised.
//
// Why blocks are sorted before they are written: an engine that keeps rows by user writes
// neighbours together, which is several times faster; and it needs no sorting inside of the
// database, where it would hold up claims.
package importer
