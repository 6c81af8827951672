package placement

import "strings"

// HasFlag reports whether the flag is set; flags are compared without regard to case.
func (p *Placement) HasFlag(flag string) bool {
	for _, f := range p.Flags {
		if strings.EqualFold(f, flag) {
			return true
		}
	}
	return false
}
