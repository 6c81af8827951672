package laws

// shrink makes a dialogue that differs as short as it finds, by leaving out ever smaller pieces
// (delta debugging) for as long as something still differs. tries bounds how often it plays.
func shrink(d *Dialogue, found *Found, tries int, differs func(*Dialogue) *Found) (*Dialogue, *Found) {
	best := *d
	best.Steps = d.Steps[:min(len(d.Steps), found.Step+1)]
	if f := differs(&best); f != nil {
		found = f
	} else {
		best.Steps = d.Steps
	}
	for size := max(1, len(best.Steps)/2); ; size /= 2 {
		for from := 0; from < len(best.Steps) && tries > 0; {
			cut := best
			cut.Steps = append(append([]Step{}, best.Steps[:from]...), best.Steps[min(len(best.Steps), from+size):]...)
			tries--
			if f := differs(&cut); f != nil {
				best, found = cut, f
			} else {
				from += size
			}
		}
		if size <= 1 || tries <= 0 {
			return &best, found
		}
	}
}
