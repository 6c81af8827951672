package test_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cacher is a mail client that keeps what it was told, is cut off at any octet, and comes back. It
// synchronises by one of the algorithms of real clients (RFC 4549, RFC 7162 §6), and believes
// every word.
type cacher struct {
	name string
	how  string // plain, condstore, qresync, vanished (CHANGEDSINCE … VANISHED, as neomutt does)
	// eager takes any MODSEQ that it was told, once the command is complete, for the mailbox's.
	eager bool

	// What it keeps.
	validity uint32
	modSeq   uint64
	next     uint32            // UIDNEXT of the last synchronisation that was complete
	mails    map[uint32]string // UID → flags
	ever     map[uint32]bool   // UIDs that it has had
	stormed  bool              // has synchronised while the store did not answer
	late     []uint32          // UIDs that came up below next and were not known

	// Of the connection.
	mode    string // how, as far as the server offers it
	nc      net.Conn
	in      *bufio.Reader
	tags    int
	seqs    []uint32 // UID by number; 0: not known
	heard   uint64   // greatest MODSEQ of the command under way
	said    uint64   // HIGHESTMODSEQ as last said
	newNext uint32
	syncing bool
	log     []string // of the connection's lines, the last ones
}

// errCut ends a connection at a chosen octet.
var errCut = errors.New("cut off")

// cutConn delivers so many octets, and then none.
type cutConn struct {
	net.Conn
	left int // -1: all
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		c.Close()
		return 0, errCut
	}
	if c.left > 0 && len(p) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	if c.left > 0 {
		c.left -= n
	}
	return n, err
}

func (c *cacher) open() bool { return c.nc != nil }

func (c *cacher) drop() {
	if c.nc != nil {
		c.nc.Close()
	}
	c.nc = nil
}

// connect logs in; after cut octets (-1: never) the connection is gone.
func (c *cacher) connect(addr, user string, cut int) error {
	nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return err
	}
	_ = nc.SetDeadline(time.Now().Add(2 * time.Minute)) // a round is over long before
	c.nc = &cutConn{nc, -1}
	c.in, c.tags, c.seqs, c.log, c.said = bufio.NewReaderSize(c.nc, 1<<10), 0, nil, nil, 0
	if _, err := c.line(); err != nil {
		return err
	}
	if _, err := c.cmd("LOGIN " + user + " pass"); err != nil {
		return err
	}
	offered, err := c.cmd("CAPABILITY")
	if err != nil {
		return err
	}
	switch c.mode = c.how; {
	case !strings.Contains(strings.Join(offered, " "), " CONDSTORE"):
		c.mode = "plain"
	case c.how != "plain" && !strings.Contains(strings.Join(offered, " "), " QRESYNC"):
		c.mode = "condstore"
	}
	c.nc.(*cutConn).left = cut //nolint:forcetypeassert // made above
	return nil
}

func (c *cacher) line() (string, error) {
	l, err := c.in.ReadString('\n')
	if err != nil {
		c.drop()
		return "", err
	}
	l = strings.TrimRight(l, "\r\n")
	c.note("S: " + l)
	return l, nil
}

func (c *cacher) note(l string) {
	if len(c.log) >= 60 {
		c.log = c.log[20:]
	}
	c.log = append(c.log, l)
}

func (c *cacher) send(l string) error {
	c.note("C: " + l)
	if _, err := io.WriteString(c.nc, l+"\r\n"); err != nil {
		c.drop()
		return err
	}
	return nil
}

// errNo is an answer that is not OK, which a client can live with.
type errNo struct{ text string }

func (e errNo) Error() string { return e.text }

// errCount is a cache that has not as many messages as the mailbox.
type errCount struct {
	mode        string
	have, there int
}

func (e errCount) Error() string {
	return fmt.Sprintf("%s has %d messages after synchronising, and the mailbox %d", e.mode, e.have, e.there)
}

// cmd runs a command and takes in what is told meanwhile.
func (c *cacher) cmd(text string) (untagged []string, err error) {
	if c.nc == nil {
		return nil, errCut
	}
	c.tags++
	tag := "c" + strconv.Itoa(c.tags)
	if err := c.send(tag + " " + text); err != nil {
		return nil, err
	}
	return c.until(tag)
}

func (c *cacher) until(tag string) (untagged []string, err error) {
	c.heard = 0
	for {
		l, err := c.line()
		if err != nil {
			return nil, err
		}
		if rest, ok := strings.CutPrefix(l, tag+" "); ok {
			c.codes(rest)
			if !strings.HasPrefix(rest, "OK") {
				return untagged, errNo{rest}
			}
			c.complete()
			return untagged, nil
		}
		untagged = append(untagged, l)
		if err := c.take(l); err != nil {
			return nil, err
		}
	}
}

// complete ends a command: what was told of mod-sequences counts now.
func (c *cacher) complete() {
	if c.syncing || c.mode == "plain" || c.modSeq == 0 {
		return
	}
	c.modSeq = max(c.modSeq, c.said)
	if c.eager {
		c.modSeq = max(c.modSeq, c.heard)
	}
}

var (
	seqLine    = regexp.MustCompile(`^\* ([0-9]+) (EXISTS|EXPUNGE|FETCH)(?: \((.*)\))?$`)
	vanished   = regexp.MustCompile(`^\* VANISHED( \(EARLIER\))? ([0-9:,]+)$`)
	modSeqTold = regexp.MustCompile(`MODSEQ \(([0-9]+)\)`)
	codeItem   = regexp.MustCompile(`\[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) ([0-9]+)\]`)
)

func (c *cacher) codes(l string) {
	m := codeItem.FindStringSubmatch(l)
	if m == nil {
		return
	}
	n, _ := strconv.ParseUint(m[2], 10, 64) // of digits
	switch m[1] {
	case "UIDVALIDITY":
		if v := uint32(n); v != c.validity { //nolint:gosec // 32 bits by RFC 9051
			c.validity, c.modSeq, c.next = v, 0, 0
			c.mails, c.ever = map[uint32]string{}, map[uint32]bool{}
		}
	case "UIDNEXT":
		c.newNext = uint32(n) //nolint:gosec // 32 bits by RFC 9051
	case "HIGHESTMODSEQ":
		c.said = n
	}
}

// take believes an untagged response; what cannot be is an error of the server's.
func (c *cacher) take(l string) error {
	c.codes(l)
	if m := vanished.FindStringSubmatch(l); m != nil {
		for _, uid := range expand(m[2], c.mails) {
			delete(c.mails, uid)
			if i := slices.Index(c.seqs, uid); i >= 0 && m[1] == "" {
				c.seqs = slices.Delete(c.seqs, i, i+1)
			}
		}
		if m[1] == "" && c.mode != "qresync" && c.mode != "vanished" {
			return fmt.Errorf("VANISHED to a client that did not enable QRESYNC: %s", l)
		}
		return nil
	}
	m := seqLine.FindStringSubmatch(l)
	if m == nil {
		return nil
	}
	n, _ := strconv.Atoi(m[1]) // of digits
	switch {
	case m[2] == "EXISTS":
		if n < len(c.seqs) {
			return fmt.Errorf("%s, and there were %d", l, len(c.seqs))
		}
		for len(c.seqs) < n {
			c.seqs = append(c.seqs, 0)
		}
	case n < 1 || n > len(c.seqs):
		return fmt.Errorf("%s, and there are %d", l, len(c.seqs))
	case m[2] == "EXPUNGE":
		if c.mode == "qresync" || c.mode == "vanished" {
			return fmt.Errorf("EXPUNGE to a client that enabled QRESYNC: %s", l)
		}
		delete(c.mails, c.seqs[n-1])
		c.seqs = slices.Delete(c.seqs, n-1, n)
	default:
		return c.fetched(n, m[3])
	}
	return nil
}

func (c *cacher) fetched(n int, items string) error {
	if m := modSeqTold.FindStringSubmatch(items); m != nil {
		v, _ := strconv.ParseUint(m[1], 10, 64) // of digits
		c.heard = max(c.heard, v)
	}
	uid := c.seqs[n-1]
	if m := uidItem.FindStringSubmatch(items); m != nil {
		told := number(m[1])
		if uid != 0 && uid != told {
			return fmt.Errorf("message %d has UID %d, and had %d", n, told, uid)
		}
		uid, c.seqs[n-1] = told, told
	}
	if uid == 0 || !flagsItem.MatchString(items) {
		return nil
	}
	if !c.ever[uid] && uid < c.next {
		c.late = append(c.late, uid)
	}
	c.ever[uid] = true
	c.mails[uid] = strings.Join(flagsIn(items), " ")
	return nil
}

// expand gives the UIDs of a set that are in the cache.
func expand(set string, in map[uint32]string) []uint32 {
	var out []uint32
	for _, part := range strings.Split(set, ",") {
		lo, hi, ranged := strings.Cut(part, ":")
		if !ranged {
			hi = lo
		}
		a, b := number(lo), number(hi)
		for uid := range in {
			if min(a, b) <= uid && uid <= max(a, b) {
				out = append(out, uid)
			}
		}
	}
	return out
}

// synchronise opens the mailbox and brings the cache up to date by the client's algorithm.
func (c *cacher) synchronise() error {
	c.syncing, c.said, c.newNext, c.seqs = true, 0, 0, nil
	defer func() { c.syncing = false }()
	high := c.next
	// What it was told of beyond its last whole synchronisation it asks for again.
	maps.DeleteFunc(c.mails, func(uid uint32, _ string) bool { return uid >= high })
	if c.mode == "qresync" || c.mode == "vanished" {
		if _, err := c.cmd("ENABLE QRESYNC"); err != nil {
			return err
		}
	}
	open := "SELECT INBOX"
	switch {
	case c.mode == "qresync" && c.modSeq != 0:
		open += fmt.Sprintf(" (QRESYNC (%d %d))", c.validity, c.modSeq)
	case c.mode != "plain":
		open += " (CONDSTORE)"
	}
	since := c.modSeq
	if _, err := c.cmd(open); err != nil {
		return err
	}
	if since = min(since, c.modSeq); c.modSeq == 0 {
		high = 0 // another UIDVALIDITY
		since = 0
	}
	items := "(UID FLAGS)"
	if c.mode != "plain" {
		items = "(UID FLAGS MODSEQ)"
	}
	whole := c.mode == "plain" || since == 0 || c.said == 0
	var err error
	switch {
	case whole && len(c.seqs) > 0:
		had := maps.Clone(c.mails)
		clear(c.mails)
		if _, err = c.cmd("UID FETCH 1:* " + items); err != nil { // cut off: what was not told yet is still there
			maps.Copy(had, c.mails)
			c.mails = had
		}
	case whole:
		clear(c.mails)
	case c.mode == "vanished" && c.said != since && high > 1:
		_, err = c.cmd(fmt.Sprintf("UID FETCH 1:%d (UID FLAGS) (CHANGEDSINCE %d VANISHED)", high-1, since))
	case c.mode == "condstore" && c.said != since && high > 1:
		_, err = c.cmd(fmt.Sprintf("UID FETCH 1:%d (UID FLAGS) (CHANGEDSINCE %d)", high-1, since))
	}
	if err != nil {
		return err
	}
	if !whole {
		if _, err := c.cmd(fmt.Sprintf("UID FETCH %d:* %s", max(high, 1), items)); err != nil {
			return err
		}
		// Thunderbird's check, and neomutt's: a different count means that something has gone.
		if (c.mode == "condstore" || c.mode == "vanished" && c.stormed) && len(c.mails) != len(c.seqs) {
			if err := c.listed(); err != nil {
				return err
			}
		}
	}
	if len(c.mails) != len(c.seqs) {
		return errCount{c.mode, len(c.mails), len(c.seqs)}
	}
	// By order of UIDs, as clients do that fetched only what has changed.
	for i, uid := range slices.Sorted(maps.Keys(c.mails)) {
		if c.seqs[i] != 0 && c.seqs[i] != uid {
			return fmt.Errorf("message %d has UID %d, and by its cache %d", i+1, c.seqs[i], uid)
		}
		c.seqs[i] = uid
	}
	if c.mode != "plain" {
		c.modSeq = max(since, c.said)
	}
	if c.newNext > 0 {
		c.next = max(c.next, c.newNext)
	}
	return nil
}

// listed removes from the cache what SEARCH does not list.
func (c *cacher) listed() error {
	lines, err := c.cmd("UID SEARCH ALL")
	if err != nil {
		return err
	}
	there := map[uint32]bool{}
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, "* SEARCH"); ok {
			for _, f := range strings.Fields(rest) {
				there[number(f)] = true
			}
		}
	}
	maps.DeleteFunc(c.mails, func(uid uint32, _ string) bool { return !there[uid] })
	return nil
}

// arrived asks for what the mailbox has grown by.
func (c *cacher) arrived() error {
	if !slices.Contains(c.seqs, 0) {
		return nil
	}
	first := slices.Index(c.seqs, 0) + 1
	if _, err := c.cmd(fmt.Sprintf("FETCH %d:%d (UID FLAGS)", first, len(c.seqs))); err != nil {
		return err
	}
	for uid := range c.mails {
		c.next = max(c.next, uid+1)
	}
	return nil
}

// idles for a while.
func (c *cacher) idles(d time.Duration) error {
	c.tags++
	tag := "c" + strconv.Itoa(c.tags)
	if err := c.send(tag + " IDLE"); err != nil {
		return err
	}
	for {
		l, err := c.line()
		if err != nil {
			return err
		}
		if strings.HasPrefix(l, "+") {
			break
		}
		if err := c.take(l); err != nil {
			return err
		}
	}
	time.Sleep(d) //nolint:forbidigo // so long it idles; what is told meanwhile is read with the end
	if err := c.send("DONE"); err != nil {
		return err
	}
	_, err := c.until(tag)
	return err
}
