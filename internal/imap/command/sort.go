package command

import (
	"strings"

	"inlay.example/inlay/internal/imap"
)

// Sort is SORT or UID SORT: a search whose result is ordered.
type Sort struct {
	Search
	By []imap.SortCriterion
}

// Thread is THREAD or UID THREAD: a search whose result is told as threads.
type Thread struct {
	Search
	Algorithm imap.ThreadAlgorithm
}

// maxCriteria bounds the criteria of a SORT: there are nine keys.
const maxCriteria = 64

var sortKeys = map[string]bool{
	"ARRIVAL": true, "CC": true, "DATE": true, "FROM": true, "SIZE": true, "SUBJECT": true, "TO": true,
	"DISPLAYFROM": true, "DISPLAYTO": true,
}

// sort takes the arguments of SORT and UID SORT.
//
//	sort = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria SP search-criteria      (rfc5256 §5, rfc5267 §4)
func (p *parser) sort() (any, error) {
	a := Sort{Search: Search{UID: p.uid()}}
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.word("RETURN") {
		var err error
		if a.Return, err = p.returns(); err == nil && a.Return.Partial != nil {
			err = unsupported("result option PARTIAL") // CONTEXT=SORT of rfc5267
		}
		if err != nil {
			return nil, err
		}
		if err := p.space(); err != nil {
			return nil, err
		}
	}
	if err := p.sortCriteria(&a); err != nil {
		return nil, err
	}
	if err := p.searchCriteria(&a.Search); err != nil {
		return nil, err
	}
	return &a, nil
}

// sortCriteria takes the keys of a SORT.
//
//	sort-criteria  = "(" sort-criterion *(SP sort-criterion) ")"
//	sort-criterion = ["REVERSE" SP] sort-key
func (p *parser) sortCriteria(a *Sort) error {
	return p.list(maxCriteria, "sort criteria", false, func() error {
		var c imap.SortCriterion
		word, err := p.sortWord()
		if err == nil && word == "REVERSE" {
			c.Reverse = true
			if err = p.space(); err == nil {
				word, err = p.sortWord()
			}
		}
		if err != nil {
			return err
		}
		if !sortKeys[word] {
			return unsupported("sort key " + clip(word))
		}
		c.Key = imap.SortKey(word)
		a.By = append(a.By, c)
		return nil
	})
}

func (p *parser) sortWord() (string, error) {
	word, err := p.atom()
	return strings.ToUpper(word), err
}

// thread takes the arguments of THREAD and UID THREAD.
//
//	thread     = ["UID" SP] "THREAD" SP thread-alg SP search-criteria      (rfc5256 §5)
//	thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext
func (p *parser) thread() (any, error) {
	a := Thread{Search: Search{UID: p.uid()}}
	if err := p.space(); err != nil {
		return nil, err
	}
	word, err := p.astring() // servers take it so
	if err != nil {
		return nil, err
	}
	switch a.Algorithm = imap.ThreadAlgorithm(strings.ToUpper(word)); a.Algorithm {
	case imap.ThreadOrderedSubject, imap.ThreadReferences, imap.ThreadRefs:
	default:
		return nil, unsupported("thread algorithm " + clip(word))
	}
	if err := p.searchCriteria(&a.Search); err != nil {
		return nil, err
	}
	return &a, nil
}

// searchCriteria takes SP search-criteria and the line's end.
//
//	search-criteria = charset 1*(SP search-key)
//	charset         = atom / quoted      ; further forms of astring, as servers take them
func (p *parser) searchCriteria(a *Search) error {
	q := &query{parser: p}
	if err := p.space(); err != nil {
		return err
	}
	name, err := p.astring()
	if err != nil {
		return err
	}
	a.Charset = strings.ToUpper(name)
	q.charset(a.Charset)
	if err := p.space(); err != nil {
		return err
	}
	return q.keysOf(a)
}
