package command

import (
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// section takes a section and the part of it that is asked for.
//
//	section         = "[" [section-spec] "]"
//	section-spec    = section-msgtext / (section-part ["." section-text])
//	section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
//	section-part    = nz-number *("." nz-number)
//	section-text    = section-msgtext / "MIME"
func (p *parser) section() (*imap.Section, error) {
	var s imap.Section
	if err := p.char('['); err != nil {
		return nil, err
	}
	spec := p.peek() != ']' // something must follow: "[1.]" names nothing
	for spec && '0' <= p.peek() && p.peek() <= '9' {
		n, err := p.number(1, max32)
		if err != nil {
			return nil, err
		}
		if len(s.Part) == p.lim.Nesting {
			return nil, p.tooMany(p.lim.Nesting, "parts within each other")
		}
		s.Part = append(s.Part, uint32(n))
		spec = p.try('.')
	}
	if spec {
		if err := p.sectionText(&s); err != nil {
			return nil, err
		}
	}
	if err := p.char(']'); err != nil {
		return nil, err
	}
	var err error
	s.Partial, err = p.partial()
	return &s, err
}

// sectionText takes a section-text.
//
//	header-list     = "(" header-fld-name *(SP header-fld-name) ")"
//	header-fld-name = astring
func (p *parser) sectionText(s *imap.Section) error {
	start := p.i
	s.Specifier = imap.Specifier(strings.ToUpper(p.while(wire.IsAtom)))
	switch s.Specifier {
	case imap.Header, imap.Text:
		return nil
	case imap.MIME:
		if len(s.Part) > 0 {
			return nil
		}
		p.i = start
		return p.fail("a part number before MIME")
	case imap.HeaderFields, imap.HeaderFieldsNot:
		if err := p.space(); err != nil {
			return err
		}
		return p.list(p.lim.Items, "header fields", false, func() error {
			f, err := p.astring()
			s.Fields = append(s.Fields, f)
			return err
		})
	case imap.WholePart:
	}
	p.i = start
	return p.fail("a section")
}

// sectionBinary takes a section-binary and, where it may have one, the part that is asked for.
//
//	section-binary = "[" [section-part] "]"
//	partial        = "<" number "." nz-number ">"
func (p *parser) sectionBinary(partial bool) (*imap.Section, error) {
	var s imap.Section
	if err := p.char('['); err != nil {
		return nil, err
	}
	for part := p.peek() != ']'; part; part = p.try('.') {
		n, err := p.number(1, max32)
		if err != nil {
			return nil, err
		}
		if len(s.Part) == p.lim.Nesting {
			return nil, p.tooMany(p.lim.Nesting, "parts within each other")
		}
		s.Part = append(s.Part, uint32(n))
	}
	if err := p.char(']'); err != nil || !partial {
		return &s, err
	}
	var err error
	s.Partial, err = p.partial()
	return &s, err
}

// previewModifiers takes the modifiers of PREVIEW and SNIPPET, if there are any.
//
//	preview-mod = "LAZY"      (rfc8970 §6)
//
// FUZZY and LAZY=FUZZY name an algorithm, as drafts of the extension had it: a server that
// advertises PREVIEW=FUZZY or SNIPPET=FUZZY knows them.
func (p *parser) previewModifiers() (mods []string, err error) {
	if p.peek() != ' ' || p.i+1 >= len(p.b) || p.b[p.i+1] != '(' {
		return nil, nil
	}
	p.i++
	err = p.list(p.lim.Items, "modifiers", false, func() error {
		at := p.i
		word := strings.ToUpper(p.while(func(c byte) bool { return wire.IsAtom(c) }))
		switch word {
		case "LAZY", "FUZZY", "LAZY=FUZZY":
			mods = append(mods, word)
			return nil
		}
		p.i = at
		return p.fail("LAZY")
	})
	return mods, err
}

// partial takes "<" number "." nz-number ">", if there is one.
func (p *parser) partial() (*imap.Partial, error) {
	if !p.try('<') {
		return nil, nil //nolint:nilnil // none was asked for
	}
	offset, err := p.number(0, max32)
	if err != nil {
		return nil, err
	}
	if err := p.char('.'); err != nil {
		return nil, err
	}
	count, err := p.number(1, max32)
	if err != nil {
		return nil, err
	}
	return &imap.Partial{Offset: uint32(offset), Count: uint32(count)}, p.char('>')
}
