// Package deflate compresses one connection of an IMAP client, both ways, once the client has
// asked for it (RFC 4978): raw DEFLATE (RFC 1951), no header and no end.
//
// It must not know IMAP: octets in, octets out.
//
// What is written is compressed and flushed with every Write, which is one answer, or one
// buffer of a long one. Nothing is kept between them but the last 8 kB, which the next Write
// may refer to. What is read is given as soon as its bits are there. An idle session holds those
// 8 kB, and as much of the window of 32 kB as its client has said: 14 kB for most.
//
// Why not compress/flate: its writer holds 0.8 MB for as long as the session lives. Its reader
// gives what it has only at the end of a block that was flushed in one of several ways, the one
// of github.com/klauspost/compress reads ten bits past the end of a block first: clients that
// flush partially, as mbsync does, are left waiting for an answer to a command
// that was never seen. zlib does not do so, and it is what they were tested with.
//
// A client that sends little and makes it much is stopped: what it says may be 256 times what
// came, and 16 MiB; text reaches a twentieth of that.
package deflate
