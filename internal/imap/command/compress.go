package command

import "strings"

// compress takes the arguments of COMPRESS.
//
//	compress  = "COMPRESS" SP algorithm      (rfc4978 §5)
//	algorithm = "DEFLATE"
//
// Another one is no error here: it is refused with NO.
func (p *parser) compress() (any, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	name, err := p.atom()
	if err != nil {
		return nil, err
	}
	return &Compress{Mechanism: strings.ToUpper(name)}, p.end()
}
