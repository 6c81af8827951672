// Package store is the contract between the middleware (and the platform) and whatever keeps
// their data. Engines are sub-packages; storetest is the battery that every engine passes.
//
// The contract is shaped by what a wide-column store can do: everything of one person is one
// partition and is changed by one compare-and-set on its revision; documents are small and
// versioned; assignments are written in bulk and become visible by the change of a document.
// There are no transactions over persons, no secondary indexes and no joins.
//
// Why not an ORM or SQL as the contract: Cassandra could not keep it.
package store
