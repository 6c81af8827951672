package demo

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

//go:embed mail/*.txt
var files embed.FS

// letter is a message of a person's file, which reads, for each:
//
//	=== AGE FLAGS            as "3d4h \Seen"
//	From, To, Re, List, Subject   Re: the number in the file of what this answers
//	(empty line)
//	plain text
//	--- html                 optional: the same in HTML
//	--- attach TYPE NAME     optional: a file
type letter struct {
	raw   []byte
	flags []imap.Flag
	date  time.Time
}

// mailOf makes a person's messages, the oldest first.
func mailOf(p Person, now time.Time) ([]letter, error) {
	name, _, _ := strings.Cut(p.Login, "@")
	src, err := files.ReadFile("mail/" + name + ".txt")
	if err != nil {
		return nil, fmt.Errorf("reading the mail of %s: %w", p.Login, err)
	}
	entries := strings.Split("\n"+string(src), "\n=== ")[1:]
	out := make([]letter, len(entries))
	ids := make([]string, len(entries))
	for i, entry := range entries {
		ids[i] = fmt.Sprintf("<%d.%s@demo.example>", i+1, name)
		if out[i], err = write(entry, p, ids[:i+1], now); err != nil {
			return nil, fmt.Errorf("mail %d of %s: %w", i+1, p.Login, err)
		}
	}
	return out, nil
}

// write makes the message of an entry. ids are those of the messages so far, with its own.
func write(entry string, p Person, ids []string, now time.Time) (letter, error) {
	head, rest, _ := strings.Cut(entry, "\n")
	fields := strings.Fields(head)
	if len(fields) == 0 {
		return letter{}, fmt.Errorf("no age")
	}
	age, err := parseAge(fields[0])
	if err != nil {
		return letter{}, err
	}
	l := letter{date: now.Add(-age).Truncate(time.Second)}
	for _, f := range fields[1:] {
		l.flags = append(l.flags, imap.Flag(f))
	}
	m, err := mail.ReadMessage(strings.NewReader(rest))
	if err != nil {
		return letter{}, err
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(m.Body); err != nil {
		return letter{}, err
	}

	var b bytes.Buffer
	put := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	for _, name := range []string{"From", "To", "Cc"} {
		value := m.Header.Get(name)
		if value == "" && name == "To" {
			value = (&mail.Address{Name: p.Name, Address: p.Login}).String()
		}
		if value == "" {
			continue
		}
		list, err := mail.ParseAddressList(value)
		if err != nil {
			return letter{}, fmt.Errorf("%s: %w", name, err)
		}
		var parts []string
		for _, a := range list {
			parts = append(parts, a.String())
		}
		put(name, strings.Join(parts, ", "))
	}
	put("Subject", mime.QEncoding.Encode("utf-8", m.Header.Get("Subject")))
	put("Date", l.date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	put("Message-ID", ids[len(ids)-1])
	if re := m.Header.Get("Re"); re != "" {
		n, err := strconv.Atoi(re)
		if err != nil || n < 1 || n >= len(ids) {
			return letter{}, fmt.Errorf("answers %q, which is not before it", re)
		}
		put("In-Reply-To", ids[n-1])
		put("References", ids[n-1])
	}
	if list := m.Header.Get("List"); list != "" {
		put("List-Id", "<"+list+">")
		put("List-Unsubscribe", "<mailto:leave@"+list+">")
	}
	put("MIME-Version", "1.0")
	if err := writeBody(&b, body.String(), ids[len(ids)-1]); err != nil {
		return letter{}, err
	}
	l.raw = b.Bytes()
	return l, nil
}

// writeBody writes text, HTML and attachments as they are there, from the Content-Type on.
func writeBody(b *bytes.Buffer, body, id string) error {
	text, rest, _ := strings.Cut(body, "\n--- ")
	boundary := "=_" + strings.Trim(id, "<>")
	boundary = strings.NewReplacer("@", "-", ".", "-").Replace(boundary)
	var html, media, name, content string
	for part := range strings.SplitSeq(rest, "\n--- ") {
		head, data, _ := strings.Cut(part, "\n")
		switch f := strings.Fields(head); {
		case len(f) == 1 && f[0] == "html":
			html = data
		case len(f) == 3 && f[0] == "attach":
			media, name, content = f[1], f[2], data
		case len(f) > 0:
			return fmt.Errorf("unknown part %q", head)
		}
	}
	if content == "" {
		return writeText(func(h textproto.MIMEHeader) (*bytes.Buffer, error) { return b, writeHeader(b, h) }, text, html, boundary)
	}
	if err := writeHeader(b, textproto.MIMEHeader{"Content-Type": {`multipart/mixed; boundary="` + boundary + `-m"`}}); err != nil {
		return err
	}
	w := multipart.NewWriter(b)
	if err := w.SetBoundary(boundary + "-m"); err != nil {
		return err
	}
	err := writeText(func(h textproto.MIMEHeader) (*bytes.Buffer, error) {
		_, err := w.CreatePart(h)
		return b, err
	}, text, html, boundary)
	if err != nil {
		return err
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Type": {media + `; charset=utf-8; name="` + name + `"`}, "Content-Disposition": {`attachment; filename="` + name + `"`},
		"Content-Transfer-Encoding": {"base64"},
	})
	if err != nil {
		return err
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(content + "\n"))
	for len(encoded) > 76 {
		fmt.Fprintf(part, "%s\r\n", encoded[:76])
		encoded = encoded[76:]
	}
	fmt.Fprintf(part, "%s\r\n", encoded)
	return w.Close()
}

// writeText writes plain text, or plain text and HTML as alternatives, behind a header that
// open has written.
func writeText(open func(textproto.MIMEHeader) (*bytes.Buffer, error), text, html, boundary string) error {
	if html == "" {
		b, err := open(textHeader("plain"))
		if err != nil {
			return err
		}
		return quoted(b, text)
	}
	b, err := open(textproto.MIMEHeader{"Content-Type": {`multipart/alternative; boundary="` + boundary + `-a"`}})
	if err != nil {
		return err
	}
	w := multipart.NewWriter(b)
	if err := w.SetBoundary(boundary + "-a"); err != nil {
		return err
	}
	for _, alternative := range []struct{ kind, text string }{{"plain", text}, {"html", html}} {
		if _, err := w.CreatePart(textHeader(alternative.kind)); err != nil {
			return err
		}
		if err := quoted(b, alternative.text); err != nil {
			return err
		}
	}
	return w.Close()
}

func textHeader(kind string) textproto.MIMEHeader {
	return textproto.MIMEHeader{"Content-Type": {"text/" + kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}}
}

func writeHeader(b *bytes.Buffer, h textproto.MIMEHeader) error {
	for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
		if v := h.Get(name); v != "" {
			fmt.Fprintf(b, "%s: %s\r\n", name, v)
		}
	}
	_, err := b.WriteString("\r\n")
	return err
}

func quoted(b *bytes.Buffer, text string) error {
	w := quotedprintable.NewWriter(b)
	if _, err := w.Write([]byte(strings.ReplaceAll(strings.Trim(text, "\n")+"\n", "\n", "\r\n"))); err != nil {
		return err
	}
	return w.Close()
}

// parseAge reads a duration that may begin with days, as "3d4h".
func parseAge(s string) (time.Duration, error) {
	var days int
	if d, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(d)
		if err != nil {
			return 0, fmt.Errorf("age %q: %w", s, err)
		}
		days, s = n, rest
	}
	var d time.Duration
	if s != "" {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			return 0, fmt.Errorf("age %q: %w", s, err)
		}
	}
	return time.Duration(days)*24*time.Hour + d, nil
}
