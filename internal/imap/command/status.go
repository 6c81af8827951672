package command

import "strings"

// statusItems are those of RFC 3501 §6.3.10.
var statusItems = map[string]bool{"MESSAGES": true, "RECENT": true, "UIDNEXT": true, "UIDVALIDITY": true, "UNSEEN": true}

// status takes the arguments of STATUS.
//
//	status     = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
//	status-att = "MESSAGES" / "RECENT" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN"
func (p *parser) status() (any, error) {
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	a := Status{Mailbox: m.name, MailboxStart: m.start, MailboxEnd: m.end, ItemsStart: p.i + 1}
	err = p.list(p.lim.Items, "items", false, func() error {
		item, err := p.atom()
		if err != nil {
			return err
		}
		if item = strings.ToUpper(item); !statusItems[item] {
			return unsupported("STATUS item " + clip(item))
		}
		a.Items = append(a.Items, item)
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.ItemsEnd = p.i - 1
	return &a, p.end()
}
