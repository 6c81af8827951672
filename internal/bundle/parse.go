package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
)

// Parse reads a manifest: exactly the members of the struct, each once, spelled as there.
// Everything that is wrong is said at once, as fault.Fields; what is not JSON is Invalid with
// the place, a body beyond MaxManifest TooLarge.
func Parse(body []byte) (Manifest, error) {
	if len(body) > MaxManifest {
		return Manifest{}, fault.New(fault.TooLarge, "a manifest of %d octets, more than %d", len(body), MaxManifest)
	}
	root, err := readTree(body)
	if err != nil {
		return Manifest{}, err
	}
	var c checker
	var m Manifest
	o := c.object("", root)
	m.Format = int(c.integer(o, "format", math.MaxInt32))
	m.Campaign = campaign.ID(c.string(o, "campaign"))
	m.Version = campaign.Version(c.integer(o, "version", math.MaxUint32)) //nolint:gosec // bounded
	m.Name = c.string(o, "name")
	m.Class = campaign.Class(c.string(o, "class"))
	m.Mailbox = c.string(o, "mailbox")
	m.Start, m.End = c.time(o, "start"), c.time(o, "end")
	m.Priority = int(c.integer(o, "priority", math.MaxInt32))
	if o.has("position") {
		empty := o.members["position"] == ""
		if m.Position = campaign.Position(c.string(o, "position")); empty {
			c.fail("position", "must not be empty, but may be left out")
		}
	}
	if o.has("reinject") {
		r := c.object("reinject", c.take(o, "reinject"))
		m.Reinject = campaign.Reinject{
			EveryHours: int(c.integer(r, "everyHours", math.MaxInt32)), Times: int(c.integer(r, "times", math.MaxInt32)),
		}
		c.unknown(r)
	}
	t := c.object("template", c.take(o, "template"))
	m.Template = File{c.string(t, "name"), c.integer(t, "size", math.MaxInt64), c.string(t, "sha256")}
	c.unknown(t)
	for i, e := range c.list(o, "recipients") {
		r := c.object(fmt.Sprintf("recipients[%d]", i), e)
		m.Recipients = append(m.Recipients, RecipientsFile{
			c.string(r, "name"), c.integer(r, "size", math.MaxInt64), c.string(r, "sha256"), c.integer(r, "rows", math.MaxInt64),
		})
		c.unknown(r)
	}
	c.unknown(o)
	// What could not be read has its error already; the rest is judged now.
	seen := map[string]bool{}
	for _, f := range c.fields {
		seen[f.Field] = true
		if p := parent(f.Field); p == "reinject" {
			seen[p] = true // it is judged as a whole
		}
	}
	for _, f := range m.validate(false) {
		if !seen[f.Field] && !seen[parent(f.Field)] {
			c.fields = append(c.fields, f)
		}
	}
	return m, c.fields.Err()
}

func parent(field string) string {
	if i := strings.LastIndexByte(field, '.'); i >= 0 {
		return field[:i]
	}
	return ""
}

// node is an object of the manifest; members are taken out as they are read.
type node struct {
	at      string
	order   []string
	members map[string]any
	bad     bool // it is not an object, which was said
}

// has reports whether a member is there that may be left out.
func (n *node) has(key string) bool { _, ok := n.members[key]; return ok }

func (n *node) field(key string) string {
	if n.at == "" {
		return key
	}
	return n.at + "." + key
}

func (c *checker) object(at string, v any) *node {
	n, ok := v.(*node)
	if !ok {
		if v != (missing{}) {
			c.fail(at, "must be an object")
		}
		return &node{at: at, bad: true}
	}
	n.at = at
	return n
}

// missing stands for the value of a member that is not there, which was said.
type missing struct{}

func (c *checker) take(n *node, key string) any {
	v, ok := n.members[key]
	if !ok {
		if !n.bad {
			c.fail(n.field(key), "is missing")
		}
		return missing{}
	}
	delete(n.members, key)
	return v
}

func (c *checker) string(n *node, key string) string {
	v := c.take(n, key)
	s, ok := v.(string)
	if !ok && v != (missing{}) {
		c.fail(n.field(key), "must be a string")
	}
	return s
}

func (c *checker) integer(n *node, key string, limit int64) int64 {
	v := c.take(n, key)
	if v == (missing{}) {
		return 0
	}
	number, ok := v.(json.Number)
	if !ok {
		c.fail(n.field(key), "must be a number")
		return 0
	}
	i, err := number.Int64()
	if err != nil || i < 0 || i > limit {
		c.fail(n.field(key), "must be a whole number from 0 to %d", limit)
		return 0
	}
	return i
}

func (c *checker) time(n *node, key string) time.Time {
	v := c.take(n, key)
	if v == (missing{}) {
		return time.Time{}
	}
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1970 {
		c.fail(n.field(key), `must be a time as "2026-11-24T09:30:00Z" (RFC 3339)`)
		return time.Time{}
	}
	return t.UTC()
}

func (c *checker) list(n *node, key string) []any {
	v := c.take(n, key)
	l, ok := v.([]any)
	if !ok && v != (missing{}) {
		c.fail(n.field(key), "must be a list")
	}
	if len(l) > MaxRecipients {
		return l[:MaxRecipients+1] // the number is judged later
	}
	return l
}

func (c *checker) unknown(n *node) {
	for _, key := range n.order {
		if _, ok := n.members[key]; ok {
			c.fail(n.field(key), "is not known")
		}
	}
}

// maxDepth of a manifest is three; anything deeper is not one.
const maxDepth = 8

// readTree reads one JSON value. (Decoding into structs would take "Name" for "name", and of
// two equal names the last one.)
func readTree(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something behind the manifest")
		}
	}
	var classified *fault.Error
	switch {
	case err == nil || errors.As(err, &classified):
		return v, err
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return nil, fault.Wrap(fault.Invalid, err, "the manifest is not JSON: %v, near octet %d", err, d.InputOffset())
}

func readValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == maxDepth {
		return nil, fault.New(fault.Invalid, "the manifest is nested more than %d deep", maxDepth)
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	n := &node{members: map[string]any{}}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		if _, ok := n.members[name]; ok {
			return nil, fault.New(fault.Invalid, "the manifest has the member %q twice in one object, near octet %d", name, d.InputOffset())
		}
		v, err := readValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.order = append(n.order, name)
		n.members[name] = v
	}
	_, err = d.Token()
	return n, err
}
