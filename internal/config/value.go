package config

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pelletier/go-toml/v2/unstable"
)

// value is the type of a setting, and where its value goes.
type value interface {
	// reset puts the default.
	reset()
	// set takes a value of the file; the error says what is wrong with it, without the key.
	set(n *unstable.Node) error
	// print gives the value as TOML.
	print() string
}

// str is a value that is a string in the file.
type str struct {
	put   func(string) error
	get   func() string
	deflt func()
}

func (s str) reset()        { s.deflt() }
func (s str) print() string { return quote(s.get()) }
func (s str) set(n *unstable.Node) error {
	if n.Kind != unstable.String {
		return fmt.Errorf("must be a string, not %s", kindName(n.Kind))
	}
	return s.put(string(n.Data))
}

// kindName names a TOML type for people.
func kindName(k unstable.Kind) string {
	switch k {
	case unstable.String:
		return "a string"
	case unstable.Bool:
		return "a boolean"
	case unstable.Integer:
		return "an integer"
	case unstable.Float:
		return "a float"
	case unstable.Array:
		return "an array"
	case unstable.InlineTable, unstable.Table, unstable.ArrayTable:
		return "a table"
	default:
		return "a date or time"
	}
}

// quote gives a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// checked is a string that a function judges.
func checked(p *string, def string, check func(string) error) value {
	return str{
		put: func(s string) error {
			if err := check(s); err != nil {
				return err
			}
			*p = s
			return nil
		},
		get: func() string { return *p }, deflt: func() { *p = def },
	}
}

func text(p *string, def string) value {
	return checked(p, def, printable)
}

func path(p *string, def string) value { return text(p, def) }

func printable(s string) error {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("must not have control characters")
	}
	return nil
}

func choice(p *string, def string, of ...string) value {
	return checked(p, def, func(s string) error {
		if !slices.Contains(of, s) {
			return fmt.Errorf("must be one of %s, not %s", quoted(of), quote(s))
		}
		return nil
	})
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quote(s)
	}
	return strings.Join(out, ", ")
}

// name is what names a tenant or a folder: one part, of few characters.
func name(p *string, def string) value {
	return checked(p, def, func(s string) error {
		ok := s != "" && len(s) <= 64 && strings.Trim(s, ".") != ""
		for _, r := range s {
			ok = ok && (r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("-_.", r))
		}
		if !ok {
			return fmt.Errorf("must be 1 to 64 letters, digits, \"-\", \"_\" or \".\", not %s", quote(s))
		}
		return nil
	})
}

func domain(p *string, def string, orEmpty bool) value {
	return checked(p, def, func(s string) error {
		ok := len(s) <= 253
		for label := range strings.SplitSeq(s, ".") {
			ok = ok && label != "" && len(label) <= 63 && !strings.HasPrefix(label, "-") && !strings.HasSuffix(label, "-")
			for _, r := range label {
				ok = ok && (r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '-')
			}
		}
		if !ok && !(orEmpty && s == "") {
			return fmt.Errorf("must be a domain as \"mail.example\", not %s", quote(s))
		}
		return nil
	})
}

// listen is an address to listen on: host or not, and a port.
func listen(p *string, def string) value {
	return checked(p, def, func(s string) error { return hostPort(s, true) })
}

func listenOrNot(p *string, def string) value {
	return checked(p, def, func(s string) error {
		if s == "" {
			return nil
		}
		return hostPort(s, true)
	})
}

// address is an address to connect to.
func address(p *string, def string) value {
	return checked(p, def, func(s string) error { return hostPort(s, false) })
}

func hostPort(s string, listen bool) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("must be host:port, not %s", quote(s))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil:
		return fmt.Errorf("has port %s, which is not a number from 0 to 65535", quote(port))
	case listen:
	case host == "":
		return fmt.Errorf("must name a host, not only a port")
	case n == 0:
		return fmt.Errorf("must name a port from 1 to 65535")
	}
	if strings.ContainsFunc(host, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' }) {
		return fmt.Errorf("has a host that is none: %s", quote(host))
	}
	return nil
}

// httpURL is the base URL of a peer, or empty.
func httpURL(p *string) value {
	return checked(p, "", func(s string) error {
		if s == "" {
			return nil
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return fmt.Errorf("must be http[s]://host[:port][/path], not %s", quote(s))
		}
		return nil
	})
}

// secretValue is a string that is never printed.
type secretValue struct{ str }

func (secretValue) print() string { return `""` }

func secret(p *string) value {
	return secretValue{checked(p, "", checkSecret).(str)}
}

// checkSecret does not repeat what it judges.
func checkSecret(s string) error {
	if s == "" {
		return nil
	}
	if len(s) < secretMin {
		return fmt.Errorf("must have at least %d characters", secretMin)
	}
	if len(s) > 4096 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("must have at most 4096 characters, all visible ASCII")
	}
	return nil
}

func duration(p *time.Duration, def, least, most time.Duration) value {
	return str{
		put: func(s string) error {
			d, err := time.ParseDuration(s)
			if err != nil {
				return fmt.Errorf("must be a duration as \"150ms\", \"2s\" or \"1h30m\", not %s", quote(s))
			}
			if d < least || d > most {
				return fmt.Errorf("must be between %s and %s, not %s", short(least), short(most), quote(s))
			}
			*p = d
			return nil
		},
		get: func() string { return short(*p) }, deflt: func() { *p = def },
	}
}

// short writes a duration without the zeros that the library leaves: 3m, not 3m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// flag is a boolean.
type flag struct {
	p   *bool
	def bool
}

func boolean(p *bool, def bool) value { return flag{p, def} }

func (f flag) reset()        { *f.p = f.def }
func (f flag) print() string { return strconv.FormatBool(*f.p) }
func (f flag) set(n *unstable.Node) error {
	if n.Kind != unstable.Bool {
		return fmt.Errorf("must be true or false, not %s", kindName(n.Kind))
	}
	*f.p = string(n.Data) == "true"
	return nil
}

// whole is a number without a fraction.
type whole struct {
	p         *int
	def, most int
}

func count(p *int, def, most int) value { return whole{p, def, most} }

func (w whole) reset()        { *w.p = w.def }
func (w whole) print() string { return strconv.Itoa(*w.p) }
func (w whole) set(n *unstable.Node) error {
	if n.Kind != unstable.Integer {
		return fmt.Errorf("must be an integer, not %s", kindName(n.Kind))
	}
	v, err := strconv.ParseInt(strings.ReplaceAll(string(n.Data), "_", ""), 0, 0)
	if err != nil || v < 0 || v > int64(w.most) {
		return fmt.Errorf("must be between 0 and %d, not %s", w.most, n.Data)
	}
	*w.p = int(v)
	return nil
}

// share is a number from 0 to 1.
type share struct {
	p   *float64
	def float64
}

func ratio(p *float64, def float64) value { return share{p, def} }

func (f share) reset() { *f.p = f.def }
func (f share) print() string {
	s := strconv.FormatFloat(*f.p, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func (f share) set(n *unstable.Node) error {
	if n.Kind != unstable.Float && n.Kind != unstable.Integer {
		return fmt.Errorf("must be a number, not %s", kindName(n.Kind))
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(string(n.Data), "_", ""), 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > 1 {
		return fmt.Errorf("must be between 0 and 1, not %s", n.Data)
	}
	*f.p = v
	return nil
}

// roleList is the list of roles.
type roleList struct {
	p   *[]Role
	def []Role
}

func roles(p *[]Role, def ...Role) value { return roleList{p, def} }

func (l roleList) reset() { *l.p = slices.Clone(l.def) }
func (l roleList) print() string {
	out := make([]string, len(*l.p))
	for i, r := range *l.p {
		out[i] = string(r)
	}
	return "[" + quoted(out) + "]"
}

func (l roleList) set(n *unstable.Node) error {
	if n.Kind != unstable.Array {
		return fmt.Errorf("must be an array of strings, not %s", kindName(n.Kind))
	}
	var list []Role
	var unknown error
	it := n.Children()
	for it.Next() {
		if it.Node().Kind == unstable.Comment {
			continue
		}
		r := Role(it.Node().Data)
		switch {
		case it.Node().Kind != unstable.String:
			return fmt.Errorf("must be an array of strings, and has %s", kindName(it.Node().Kind))
		case r != Gateway && r != Middleware && r != Platform:
			if unknown == nil {
				unknown = fmt.Errorf(`must have only "gateway", "middleware" and "platform", not %s`, quote(string(r)))
			}
			continue
		case slices.Contains(list, r):
			return fmt.Errorf("has %s twice", quote(string(r)))
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		return cmp.Or(unknown, errors.New("must name at least one role"))
	}
	*l.p = list // also beside an unknown one: what those that are known need is told at the same time
	return unknown
}
