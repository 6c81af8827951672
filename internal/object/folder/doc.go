// Package folder keeps objects as files of one folder, for one machine and for tests.
//
// An object's file lies in a folder per part of its key; the parts of folders are written
// with a trailing "," so that the keys "a" and "a/b" can both be there, and parts that a file
// system would not take are escaped. A file appears by rename, whole or not at all.
//
// Everything is opened through an os.Root, so that no link, whoever made it, leads out of the
// folder. A file that is being written is locked by its writer; one that nobody locks is a
// leftover of a crash and goes with the next start.
//
// It must not know what is in objects.
package folder
