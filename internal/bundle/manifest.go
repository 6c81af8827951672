package bundle

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// Format is the version of the form that is written and read here.
const Format = 1

// ManifestName is the last part of a manifest's key.
const ManifestName = "manifest.json"

// Limits of a manifest; docs/bundle.schema.json has the same.
const (
	MaxManifest   = 4 << 20 // octets
	MaxRecipients = 10_000  // files
	MaxTemplate   = 4 << 20 // octets
	MaxRows       = 1 << 40 // of one file, and of all
	MaxName       = 256     // octets of a campaign's name
	MaxMailbox    = 1024    // octets of a mailbox's name
	MaxFileName   = 128     // octets
	MaxPriority   = 100
	maxCampaign   = 64 // octets of a campaign's id
)

// Manifest names everything in a bundle.
type Manifest struct {
	Format     int               `json:"format"`   // 1
	Campaign   campaign.ID       `json:"campaign"` // 1 to 64 of [a-z0-9-]
	Version    campaign.Version  `json:"version"`  // from 1; a greater one replaces a smaller one
	Name       string            `json:"name"`     // for people
	Class      campaign.Class    `json:"class"`
	Mailbox    string            `json:"mailbox"` // UTF-8; "INBOX" in any case is the inbox
	Start      time.Time         `json:"start"`   // RFC 3339; first instant at which it may be injected
	End        time.Time         `json:"end"`     // first instant at which it is no longer shown
	Priority   int               `json:"priority"`
	Position   campaign.Position `json:"position,omitempty"` // absent: "top"
	Reinject   campaign.Reinject `json:"reinject,omitzero"`  // of "pinned", and of it only
	Template   File              `json:"template"`
	Recipients []RecipientsFile  `json:"recipients"` // in this order; of one user's rows the last one wins
}

// File is an object of the bundle, beside the manifest.
type File struct {
	Name   string `json:"name"`   // 1 to 128 of [A-Za-z0-9._-], not starting with "."
	Size   int64  `json:"size"`   // octets as stored
	SHA256 string `json:"sha256"` // of the octets as stored: 64 lower-case hexadecimal digits
}

// RecipientsFile is a file of recipients.
type RecipientsFile struct {
	Name   string `json:"name"` // as File.Name, and ends in .csv or .ndjson, or these with .gz or .zst
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"` // recipients in it: records without the header of a CSV file
}

// Rows is the number of recipients in all files.
func (m *Manifest) Rows() int64 {
	var n int64
	for _, f := range m.Recipients {
		n += f.Rows
	}
	return n
}

// Dir is what precedes the names of a bundle's objects, with a "/" at its end.
func Dir(prefix string, c campaign.ID, v campaign.Version) string {
	if prefix != "" {
		prefix = strings.TrimSuffix(prefix, "/") + "/"
	}
	return fmt.Sprintf("%s%s/%d/", prefix, c, v)
}

// Key is the key of a bundle's manifest.
func Key(prefix string, c campaign.ID, v campaign.Version) object.Key {
	return object.Key(Dir(prefix, c, v) + ManifestName)
}

// Beside gives the key of an object that lies beside the manifest.
func Beside(manifest object.Key, name string) object.Key {
	return manifest[:strings.LastIndexByte(string(manifest), '/')+1] + object.Key(name)
}

// CheckKey says, as Invalid, what is wrong with the key of a manifest, or when it is not where
// the manifest m has to be: a bundle that was copied by hand to another place would name rows
// of a campaign and version that its key does not.
func CheckKey(manifest object.Key, m *Manifest) error {
	if err := manifest.Validate(); err != nil {
		return err
	}
	if s, ends := string(manifest), string(Key("", m.Campaign, m.Version)); s != ends && !strings.HasSuffix(s, "/"+ends) {
		return fault.New(fault.Invalid, "the manifest of version %d of campaign %s must end in %s, not %s", m.Version, m.Campaign, ends, manifest)
	}
	return nil
}

// Validate says everything that is wrong with a manifest, as fault.Fields.
func (m *Manifest) Validate() error { return m.validate(false).Err() }

// validate leaves out what a writer does not know yet, if the manifest is a draft.
func (m *Manifest) validate(draft bool) fault.Fields {
	var c checker
	if m.Format != Format && !(draft && m.Format == 0) {
		c.fail("format", "must be %d; other forms are not known here", Format)
	}
	if !campaignID(m.Campaign) {
		c.fail("campaign", "must be 1 to %d of a-z, 0-9 and '-'", maxCampaign)
	}
	if m.Version == 0 {
		c.fail("version", "must be 1 or greater")
	}
	c.text("name", m.Name, MaxName)
	switch m.Class {
	case campaign.Service, campaign.Own, campaign.ThirdParty:
	default:
		c.fail("class", `must be "service", "own" or "third_party"`)
	}
	c.text("mailbox", m.Mailbox, MaxMailbox)
	switch {
	case m.Start.IsZero():
		c.fail("start", "must be a time")
	case m.End.IsZero():
		c.fail("end", "must be a time")
	case !m.End.After(m.Start):
		c.fail("end", "must be after start")
	}
	if m.Priority < 0 || m.Priority > MaxPriority {
		c.fail("priority", "must be 0 to %d", MaxPriority)
	}
	c.fields = append(c.fields, campaign.CheckPosition(m.Position, m.Reinject)...)
	if !draft {
		m.validateFiles(&c)
	}
	return c.fields
}

func (m *Manifest) validateFiles(c *checker) {
	names := map[string]bool{ManifestName: true}
	c.file("template", m.Template, names)
	if m.Template.Size > MaxTemplate {
		c.fail("template.size", "must be at most %d", MaxTemplate)
	}
	if n := len(m.Recipients); n == 0 || n > MaxRecipients {
		c.fail("recipients", "must have 1 to %d files", MaxRecipients)
		return
	}
	var sum int64
	for i, r := range m.Recipients {
		at := fmt.Sprintf("recipients[%d]", i)
		c.file(at, File{r.Name, r.Size, r.SHA256}, names)
		if _, _, ok := formOf(r.Name); !ok && fileName(r.Name) {
			c.fail(at+".name", "must end in .csv or .ndjson, or one of these with .gz or .zst")
		}
		if r.Rows < 0 || r.Rows > MaxRows {
			c.fail(at+".rows", "must be 0 to %d", int64(MaxRows))
			continue
		}
		sum += r.Rows
	}
	if sum > MaxRows {
		c.fail("recipients", "must have at most %d rows together", int64(MaxRows))
	}
}

// checker collects what is wrong.
type checker struct{ fields fault.Fields }

func (c *checker) fail(field, format string, args ...any) {
	c.fields.Add(field, format, args...)
}

func (c *checker) text(field, s string, limit int) {
	switch {
	case s == "" || len(s) > limit:
		c.fail(field, "must have 1 to %d octets", limit)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		c.fail(field, "must be UTF-8 without control characters")
	}
}

func (c *checker) file(at string, f File, names map[string]bool) {
	switch {
	case !fileName(f.Name):
		c.fail(at+".name", "must be 1 to %d of letters, digits, '.', '_' and '-', and not start with '.'", MaxFileName)
	case names[f.Name]:
		c.fail(at+".name", "is the name of another file of the bundle")
	}
	names[f.Name] = true
	if f.Size < 0 {
		c.fail(at+".size", "must be 0 or greater")
	}
	if len(f.SHA256) != 64 || !only(f.SHA256, "0123456789abcdef") {
		c.fail(at+".sha256", "must be 64 lower-case hexadecimal digits")
	}
}

func campaignID(id campaign.ID) bool {
	return id != "" && len(id) <= maxCampaign && only(string(id), "abcdefghijklmnopqrstuvwxyz0123456789-")
}

const fileNameSet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

func fileName(s string) bool {
	return s != "" && len(s) <= MaxFileName && s[0] != '.' && only(s, fileNameSet)
}

// only reports whether s has no characters other than those of set.
func only(s, set string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(set, r) })
}
