// Package injection is the contract between something that speaks IMAP and the middleware:
// what is there for a person, and what became of it.
//
// There are two implementations, the middleware itself and an HTTP client of it, and one
// battery for both (injectiontest). The gateway knows only this package.
//
// Why a contract of its own and not the middleware's type: other IMAP servers are to drive
// the middleware too, and the gateway must not be able to depend on being in one process with it.
package injection
