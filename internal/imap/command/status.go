package command

// statusItems are those of RFC 3501 §6.3.10, APPENDLIMIT of RFC 7889, SIZE of RFC 8438, DELETED
// of RFC 9051 §6.3.11, DELETED-STORAGE of RFC 9208 §4.1.4, HIGHESTMODSEQ
// of RFC 7162 §3.1.7, MAILBOXID of RFC 8474 §4.3.
var statusItems = map[string]bool{
	"MESSAGES": true, "RECENT": true, "UIDNEXT": true, "UIDVALIDITY": true, "UNSEEN": true, "SIZE": true, "DELETED": true, "APPENDLIMIT": true, "DELETED-STORAGE": true, "HIGHESTMODSEQ": true, "MAILBOXID": true,
}

// status takes the arguments of STATUS.
//
//	status     = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
//	status-att = "MESSAGES" / "RECENT" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN"
//	status-att =/ "APPENDLIMIT"      (rfc7889 §5)
//	status-att =/ "SIZE"             (rfc8438 §5)
//	status-att =/ "DELETED"          (rfc9051 §9)
//	status-att =/ "DELETED-STORAGE"  (rfc9208 §7)
//	status-att =/ "HIGHESTMODSEQ"    (rfc7162 §7)
//	status-att =/ "MAILBOXID"        (rfc8474 §7)
func (p *parser) status() (any, error) {
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	a := Status{Mailbox: m.name, MailboxStart: m.start, MailboxEnd: m.end}
	if a.Items, a.ItemsStart, a.ItemsEnd, err = p.statusItems(); err != nil {
		return nil, err
	}
	return &a, p.end()
}

// statusItems takes "(" status-att *(SP status-att) ")" and gives the place between the parentheses.
func (p *parser) statusItems() (items []string, start, end int, err error) {
	start = p.i + 1
	err = p.list(p.lim.Items, "items", false, func() error {
		item, err := p.option("STATUS item", statusItems)
		switch item {
		case "HIGHESTMODSEQ":
			p.use("CONDSTORE")
		case "MAILBOXID":
			p.use("OBJECTID")
		}
		items = append(items, item)
		return err
	})
	return items, start, p.i - 1, err
}
