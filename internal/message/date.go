package message

import (
	"strconv"
	"strings"
	"time"
)

// dayOf reads a date and gives its day, at midnight UTC: the zone does not matter, the time
// must be one.
//
//	date-time = [ day-name "," ] day month year hour (":" / ".") minute [ ":" second ] [ zone ]
func dayOf(s string) (time.Time, bool) {
	c := scanner{s: s}
	if more, ok := c.space(); !more || !ok {
		return time.Time{}, false
	}
	if c.s[0] < '0' || c.s[0] > '9' {
		word, more, ok := c.word(isAtext)
		if !more || !ok || len(word) != 3 || c.s[0] != ',' {
			return time.Time{}, false
		}
		c.s = c.s[1:]
		if more, ok = c.space(); !more || !ok {
			return time.Time{}, false
		}
	}
	day, ok := c.number(1, 2)
	if !ok {
		return time.Time{}, false
	}
	name, _, ok := c.word(isAtext)
	month := monthOf(name)
	if !ok || month == 0 {
		return time.Time{}, false
	}
	year, ok := c.number(4, 4)
	if !ok {
		if year, ok = c.number(2, 2); !ok {
			return time.Time{}, false
		}
		// rfc5322 §4.3
		if year += 1900; year < 1950 {
			year += 100
		}
	}
	if !c.clock() {
		return time.Time{}, false
	}
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == day
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
func (c *scanner) clock() bool {
	hour, ok := c.number(2, 2)
	if !ok || hour > 23 || !c.separator() {
		return false
	}
	minute, ok := c.number(2, 2)
	if !ok || minute > 59 {
		return false
	}
	if c.separator() {
		second, ok := c.number(2, 2)
		return ok && second <= 60
	}
	return true
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
