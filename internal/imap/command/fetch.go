package command

import (
	"slices"
	"strings"

	"inlay.example/inlay/internal/imap/wire"
)

// macros of RFC 3501 §6.4.5.
var macros = map[string][]string{
	"ALL":  {"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"},
	"FAST": {"FLAGS", "INTERNALDATE", "RFC822.SIZE"},
	"FULL": {"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"},
}

var fetchItems = map[string]bool{
	"FLAGS": true, "UID": true, "INTERNALDATE": true, "RFC822.SIZE": true, "ENVELOPE": true, "BODY": true,
	"BODYSTRUCTURE": true, "MODSEQ": true, "RFC822": true, "RFC822.HEADER": true, "RFC822.TEXT": true,
	"EMAILID": true, "THREADID": true, "SAVEDATE": true, // rfc8474 §5, rfc8514 §4.2
}

// itemExtensions are the extensions that items belong to.
var itemExtensions = map[string]string{"MODSEQ": "CONDSTORE", "EMAILID": "OBJECTID", "THREADID": "OBJECTID", "SAVEDATE": "SAVEDATE"}

// fetchExtensions are beginnings of items of extensions that are not offered.
var fetchExtensions = []string{"X-"}

// fetch takes the arguments of FETCH and UID FETCH.
//
//	fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]
func (p *parser) fetch() (any, error) {
	a := Fetch{UID: p.uid()}
	var err error
	if a.Set, a.SetStart, a.SetEnd, err = p.spaceSet(); err != nil {
		return nil, err
	}
	a.Saved = a.Set == nil
	if err := p.space(); err != nil {
		return nil, err
	}
	a.ItemsStart = p.i
	item := func() error {
		it, err := p.fetchAtt()
		a.Items = append(a.Items, it)
		return err
	}
	if p.peek() == '(' {
		err = p.list(p.lim.Items, "items", false, item)
	} else if macro := p.macro(); macro != nil {
		a.Items = macro
	} else {
		err = item()
	}
	if err != nil {
		return nil, err
	}
	a.ItemsEnd = p.i
	if err := p.fetchModifiers(&a); err != nil {
		return nil, err
	}
	return &a, p.end()
}

// macro takes a macro, if there is one, and gives what it stands for.
func (p *parser) macro() []FetchItem {
	start := p.i
	names := macros[strings.ToUpper(p.while(wire.IsAtom))]
	if names == nil {
		p.i = start
		return nil
	}
	items := make([]FetchItem, len(names))
	for i, name := range names {
		items[i] = FetchItem{Name: name, Raw: name}
	}
	return items
}

// fetchAtt takes one item.
//
//	fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] /
//	            "BODY" ["STRUCTURE"] / "UID" / "BODY" section ["<" number "." nz-number ">"] /
//	            "BODY.PEEK" section ["<" number "." nz-number ">"] / "MODSEQ"
//	fetch-att =/ "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary      (rfc3516 §5)
//	fetch-att =/ "EMAILID" / "THREADID"                                                           (rfc8474 §7)
//	fetch-att =/ "SAVEDATE"                                                                       (rfc8514 §5)
//	fetch-att =/ "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]                             (rfc8970 §6)
func (p *parser) fetchAtt() (FetchItem, error) {
	start := p.i
	name := strings.ToUpper(p.while(func(c byte) bool { return wire.IsAtom(c) && c != '[' && c != '<' }))
	if p.peek() == '[' && (name == "BODY" || name == "BODY.PEEK") {
		sec, err := p.section()
		if err != nil {
			return FetchItem{}, err
		}
		return FetchItem{Name: "BODY[]", Section: sec, Peek: name == "BODY.PEEK", Raw: string(p.b[start:p.i])}, nil
	}
	switch name {
	case "BINARY", "BINARY.PEEK", "BINARY.SIZE":
		p.use("BINARY")
		sec, err := p.sectionBinary(name != "BINARY.SIZE")
		it := FetchItem{Name: "BINARY[]", Section: sec, Peek: name != "BINARY", Raw: string(p.b[start:p.i])}
		if name == "BINARY.SIZE" {
			it.Name = "BINARY.SIZE[]"
		}
		return it, err
	case "PREVIEW", "SNIPPET":
		mods, err := p.previewModifiers()
		if name == "SNIPPET" || slices.ContainsFunc(mods, func(m string) bool { return m != "LAZY" }) {
			p.use(name + "=FUZZY")
		} else {
			p.use(name)
		}
		return FetchItem{Name: name, Modifiers: mods, Raw: string(p.b[start:p.i])}, err
	}
	if fetchItems[name] {
		if ext := itemExtensions[name]; ext != "" {
			p.use(ext)
		}
		return FetchItem{Name: name, Raw: string(p.b[start:p.i])}, nil
	}
	if slices.ContainsFunc(fetchExtensions, func(ext string) bool { return strings.HasPrefix(name, ext) }) {
		return FetchItem{}, unsupported("FETCH item " + clip(name))
	}
	p.i = start
	return FetchItem{}, p.fail("an item of FETCH")
}
