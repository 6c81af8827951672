// Package object is the contract of the object store: named, immutable runs of octets with
// metadata, as S3 has them. Engines are sub-packages; objecttest is the battery.
//
// Why not io/fs: an object store has no directories, no rename and no partial write, and
// callers must not come to rely on them.
package object
