package command

// page takes SP partial-range.
//
//	partial-range       = partial-range-first / partial-range-last      (rfc9394 §4)
//	partial-range-first = nz-number ":" nz-number
//	partial-range-last  = "-" nz-number ":-" nz-number
func (p *parser) page() (*Page, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	r := Page{Start: p.i}
	r.Last = p.try('-')
	a, err := p.number(1, max32)
	if err != nil {
		return nil, err
	}
	if err := p.char(':'); err != nil {
		return nil, err
	}
	if r.Last {
		if err := p.char('-'); err != nil {
			return nil, err
		}
	}
	b, err := p.number(1, max32)
	r.Lo, r.Hi, r.End = uint32(min(a, b)), uint32(max(a, b)), p.i
	return &r, err
}
