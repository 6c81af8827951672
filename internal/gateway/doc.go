// Package gateway is the IMAP proxy with the virtual mailbox: it stands between a client and
// the real server, and shows the client a mailbox that holds injected messages.
//
// What it promises is in docs/virtual-mailbox.md. In short: UIDs of real messages pass
// unchanged; the client's sequence numbers are translated by an edit script
// (internal/mailview); an injected message lives under a UID that the backend has burnt
// (reserve); nothing about it is acknowledged before it is durable; and whatever fails on our
// side, the real mail is served as if we were not there.
//
// Where to look:
//
//	session.go     one client, one backend connection: its life and its end
//	dispatch.go    which command is whose; conn.go how two connections are waited for
//	exchange.go    a command of the client, or of ours, on the backend; responses by tag
//	untagged.go    where "* n EXPUNGE", EXISTS, FETCH of the backend are translated
//	sets.go        what a client's set means to the backend; commands on injected messages alone
//	mailbox.go     the selected mailbox
//	news.go        new numbers identified before they are told; the doorbell; telling
//	login.go       greeting, STARTTLS, LOGIN, AUTHENTICATE (sasl.go), ID (id.go); capability.go the allow-list;
//	enable.go      which extensions a client may enable, and has
//	crowd.go       how many may come from one address
//	compress.go    COMPRESS, which ends here (deflate)
//
//	select.go      SELECT: the answer withheld, and told corrected
//	compose.go     what happens in between: markers, ledger, injection
//	place.go       ranks, and where injected messages stand
//	inject.go      claim, reserve, confirm; reserving.go the session as reserve.Conn (reserve: markers, or ahead)
//	step.go        where a gateway may die: what tests kill it at
//	position.go    the date by which a message stands where it is to stand
//	live.go        the same within an open session: NOOP, CHECK, IDLE
//	lookup.go      the question at login, which nobody waits for
//	ledger.go      readings of the placements, and what they change in the view
//	resolve.go     claims of others ended, markers removed
//	course/        what is done next of an injection, a bell, a change: tables, explored by tests
//	left.go        markers left in a mailbox that is not open
//	known.go       what is known of a person while the store is down
//
//	change.go      a change carried to where it may be told: HIGHESTMODSEQ raised, settled
//	modseq.go      mod-sequences heard and told; fetchmodseq.go CHANGEDSINCE
//	resync.go      SELECT with QRESYNC; vanished.go where VANISHED of the backend is translated
//
//	search.go esearch.go  where a query is split; SEARCH merged, and RETURN; saved.go what "$" is; partial.go pages
//	order.go sort.go esort.go  whose order is known; SORT held, and RETURN; sortplace.go where ours belong
//	thread.go threadjoin.go  THREAD held; which threads ours join, and how these are made anew
//	move.go        MOVE; moved.go moves that were left by somebody; aside.go a second connection
//	bells.go       words between sessions, and of the change stream (watch.go): who is to look at the ledger
//	passed.go      what was told past while the store was down (note), and its replay
//	fetch.go fetched.go item.go store.go copy.go expunge.go status.go list.go idle.go append.go
//
// Invariants, each with transcripts in testdata:
//
//   - the client's numbers change only by what it was sent; nothing that is not identified is told;
//   - no set that is sent to the backend reaches past the last message that was told;
//   - nobody is told of what lies behind an injected message before being told of it;
//   - nothing about an injected message is acknowledged before it is durable;
//   - nobody holds a HIGHESTMODSEQ that covers what it was not told;
//   - memory of a session does not depend on the size of messages or mailboxes.
//
// A session runs in one goroutine and has one command of the client on the backend at any
// time: a pipelining client is answered in order, and numbers are only ever translated when
// nothing that could shift them is outstanding. Why not forward pipelined commands at once:
// servers differ in when a pipelined EXPUNGE takes effect for a FETCH behind it, and the
// round trip that it saves is the one on the inner network.
//
// It knows the middleware only as injection.Service, and the backend only as IMAP.
// Implements the server side of RFC 3501 with RFC 2177 (IDLE), 2342 (NAMESPACE), 2971 (ID),
// 3348 (CHILDREN), 3502 (MULTIAPPEND), 3691 (UNSELECT), 4314 (ACL), 4315 (UIDPLUS), 4731
// (ESEARCH), 4959 (SASL-IR), 4978 (COMPRESS), 5032 (WITHIN), 5161 (ENABLE), 5182 (SEARCHRES), 5256 (SORT, THREAD), 5258 (LIST-EXTENDED), 5267 (ESORT), 5464
// (METADATA), 5819 (LIST-STATUS), 5957 (SORT=DISPLAY), 6154 (SPECIAL-USE), 6851 (MOVE), 7162 (CONDSTORE, QRESYNC), 7628 (OAUTHBEARER), 7888 (LITERAL+,
// LITERAL-), 7889 (APPENDLIMIT), 8438 (STATUS=SIZE), 8474 (OBJECTID), 8514 (SAVEDATE), 8970 (PREVIEW), 3516
// (BINARY), 9394 (PARTIAL) and 9208 (QUOTA), so far as the backend
// has them.
package gateway
