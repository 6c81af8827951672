package message

import (
	"strconv"
	"strings"
	"time"
)

// dayOf reads a date and gives its day, at midnight UTC: the zone does not matter, the time
// must be one.
func dayOf(s string) (time.Time, bool) {
	d, _, ok := dateOf(s)
	return d, ok
}

// dateOf reads a date and gives its day, at midnight UTC, and the time since then in UTC.
//
//	date-time = [ day-name "," ] day month year hour (":" / ".") minute [ ":" second ] [ zone ]
func dateOf(s string) (day time.Time, since time.Duration, ok bool) {
	c := scanner{s: s}
	none := func() (time.Time, time.Duration, bool) { return time.Time{}, 0, false }
	if more, ok := c.space(); !more || !ok {
		return none()
	}
	if c.s[0] < '0' || c.s[0] > '9' {
		word, more, ok := c.word(isAtext)
		if !more || !ok || len(word) != 3 || c.s[0] != ',' {
			return none()
		}
		c.s = c.s[1:]
		if more, ok = c.space(); !more || !ok {
			return none()
		}
	}
	number, ok := c.number(1, 2)
	if !ok {
		return none()
	}
	name, _, ok := c.word(isAtext)
	month := monthOf(name)
	if !ok || month == 0 {
		return none()
	}
	year, ok := c.number(4, 4)
	if ok && year < 1900 { // as Dovecot has it
		return none()
	}
	if !ok {
		if year, ok = c.number(2, 2); !ok {
			return none()
		}
		// rfc5322 §4.3
		if year += 1900; year < 1950 {
			year += 100
		}
	}
	if since, ok = c.clock(); !ok {
		return none()
	}
	zone, _, ok := c.word(isAtext)
	if !ok {
		return none()
	}
	day = time.Date(year, month, number, 0, 0, 0, 0, time.UTC)
	return day, since - zoneOf(zone), day.Day() == number
}

// zoneOf gives what a zone is ahead of UTC; of one that nobody knows, nothing.
//
//	zone = (("+" / "-") 4DIGIT) / obs-zone      (rfc5322 §3.3, §4.3)
func zoneOf(s string) time.Duration {
	if len(s) == 5 && (s[0] == '+' || s[0] == '-') {
		n, err := strconv.Atoi(s[1:])
		if err != nil || s[1] < '0' || s[1] > '9' {
			return 0
		}
		ahead := time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
		if s[0] == '-' {
			return -ahead
		}
		return ahead
	}
	up := strings.ToUpper(s)
	if len(s) == 1 { // military: the right way round, and not as rfc822 §5.1 says
		switch z := int(up[0]); {
		case z >= 'A' && z <= 'I':
			return time.Duration(z-'A'+1) * time.Hour
		case z >= 'K' && z <= 'M':
			return time.Duration(z-'A') * time.Hour
		case z >= 'N' && z <= 'Y':
			return time.Duration('M'-z) * time.Hour
		}
		return 0
	}
	if len(s) == 3 && s[2] == 'T' {
		west := strings.IndexByte("ECMP", up[0])
		if west < 0 || up[1] != 'D' && up[1] != 'S' {
			return 0
		}
		behind := time.Duration(5+west) * time.Hour
		if up[1] == 'D' {
			behind -= time.Hour
		}
		return -behind
	}
	return 0
}

func monthOf(name string) time.Month {
	for m := time.January; m <= time.December; m++ {
		if len(name) >= 3 && strings.EqualFold(name[:3], m.String()[:3]) {
			return m
		}
	}
	return 0
}

// clock takes hour ":" minute [ ":" second ].
func (c *scanner) clock() (time.Duration, bool) {
	hour, ok := c.number(1, 2)
	if !ok || hour > 23 || !c.separator() {
		return 0, false
	}
	minute, ok := c.number(2, 2)
	if !ok || minute > 59 {
		return 0, false
	}
	second := 0
	if c.separator() {
		if second, ok = c.number(2, 2); !ok || second > 60 {
			return 0, false
		}
	}
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(min(second, 59))*time.Second, true // a leap second is the one before it
}

func (c *scanner) separator() bool {
	if c.s == "" || c.s[0] != ':' && c.s[0] != '.' {
		return false
	}
	c.s = c.s[1:]
	_, ok := c.space()
	return ok
}

// number takes a number of min to max digits; nothing is taken if there is none.
func (c *scanner) number(least, most int) (int, bool) {
	n := 0
	for n < len(c.s) && '0' <= c.s[n] && c.s[n] <= '9' {
		n++
	}
	if n < least || n > most {
		return 0, false
	}
	v, _ := strconv.Atoi(c.s[:n]) // four digits at most
	c.s = c.s[n:]
	_, ok := c.space()
	return v, ok
}
