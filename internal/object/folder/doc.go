// Package folder keeps objects as files of one folder, for one machine and for tests.
//
// An object's file lies in a folder per part of its key; the parts of folders are written
// with a trailing "," so that the keys "a" and "a/b" can both be there, and parts that a file
// system would not take are escaped. A file appears by rename, whole or not at all.
//
// It must not know what is in objects.
package folder
