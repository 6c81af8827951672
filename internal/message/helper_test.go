package message_test

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"inlay.example/inlay/internal/message"
)

// decodedBody reads a message of one part with the standard library.
func decodedBody(t testing.TB, m *message.Message) string {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(string(m.Raw())))
	if err != nil {
		t.Fatal(err)
	}
	return decodedPart(t, msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
}

func decodedPart(t testing.TB, encoding string, r io.Reader) string {
	t.Helper()
	if encoding == "quoted-printable" {
		r = quotedprintable.NewReader(r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// header reads a header field of a message with the standard library, decoded.
func header(t testing.TB, raw, name string) string {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	v, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get(name))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// leaves reads the parts that hold no others, decoded, by their type.
func leaves(t testing.TB, raw string) map[string]string {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var walk func(ctype, encoding string, r io.Reader)
	walk = func(ctype, encoding string, r io.Reader) {
		kind, params, err := mime.ParseMediaType(ctype)
		if err != nil {
			t.Fatalf("%q: %v", ctype, err)
		}
		if !strings.HasPrefix(kind, "multipart/") {
			out[kind] += decodedPart(t, encoding, r)
			return
		}
		mr := multipart.NewReader(r, params["boundary"])
		for {
			p, err := mr.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			walk(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
		}
	}
	walk(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
	return out
}
