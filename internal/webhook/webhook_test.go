package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/webhook"
)

var now = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

const tolerance = 5 * time.Minute

// signature is the specification in four lines: a second opinion on the library.
func signature(key []byte, id string, at time.Time, body string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// TestKnownAnswer is the example of the specification's reference libraries.
func TestKnownAnswer(t *testing.T) {
	t.Parallel()
	secret := []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	at := time.Unix(1614265330, 0)
	h := webhook.Sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test": 2432232314}`))
	if got, want := h.Get(webhook.HeaderSignature), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Fatalf("signature %s, want %s", got, want)
	}
	if _, err := webhook.Verify(secret, h, []byte(`{"test": 2432232314}`), at, tolerance); err != nil {
		t.Fatal(err)
	}
}

func TestSignIsWhatTheSpecificationSays(t *testing.T) {
	t.Parallel()
	raw := base64.StdEncoding.EncodeToString([]byte("sixteen octets!!"))
	for secret, key := range map[string]string{
		"any text":      "any text",
		"whsec_" + raw:  "sixteen octets!!",
		"whsec_":        "whsec_",
		"whsec_%":       "whsec_%",
		"whsec" + raw:   "whsec" + raw,
		"\x00\xff\x80?": "\x00\xff\x80?",
	} {
		for _, body := range []string{"", "{}", "a.b.c", strings.Repeat("x", 64<<10)} {
			h := webhook.Sign([]byte(secret), "id-1", now.Add(time.Second-1), []byte(body))
			if got, want := h.Get(webhook.HeaderSignature), signature([]byte(key), "id-1", now, body); got != want {
				t.Errorf("secret %q: signature %s, want %s", secret, got, want)
			}
			id, err := webhook.Verify([]byte(secret), h, []byte(body), now, tolerance)
			if id != "id-1" || err != nil {
				t.Errorf("secret %q: id %q, error %v", secret, id, err)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const secret, body = "secret", `{"manifest":"a/1/manifest.json"}`
	for _, c := range []struct {
		name   string
		change func(http.Header)
		at     time.Time
		body   string
		secret string
		kind   fault.Kind
		says   string
	}{
		{name: "as it was sent"},
		{name: "at the edge of the past", at: now.Add(-tolerance)},
		{name: "past it", at: now.Add(-tolerance - time.Second), kind: fault.Invalid, says: "too old"},
		{name: "at the edge of the future", at: now.Add(tolerance)},
		{name: "beyond it", at: now.Add(tolerance + time.Second), kind: fault.Invalid, says: "future"},
		{name: "another body", body: body + " ", kind: fault.Unauthenticated},
		{name: "another secret", secret: "Secret", kind: fault.Unauthenticated},
		{name: "another id", change: set(webhook.HeaderID, "id-2"), kind: fault.Unauthenticated},
		{name: "another time", change: set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix()+1, 10)), kind: fault.Unauthenticated},
		{name: "no id", change: set(webhook.HeaderID, ""), kind: fault.Invalid, says: "Webhook-Id"},
		{name: "no time", change: set(webhook.HeaderTimestamp, ""), kind: fault.Invalid, says: "Webhook-Timestamp"},
		{name: "no signature", change: set(webhook.HeaderSignature, ""), kind: fault.Invalid, says: "Webhook-Signature"},
		{name: "time in words", change: set(webhook.HeaderTimestamp, "today"), kind: fault.Invalid, says: "digits"},
		{name: "time with a sign", change: set(webhook.HeaderTimestamp, "+"+strconv.FormatInt(now.Unix(), 10)), kind: fault.Invalid, says: "digits"},
		{name: "time with a zero", change: set(webhook.HeaderTimestamp, "0"+strconv.FormatInt(now.Unix(), 10)), kind: fault.Invalid, says: "digits"},
		{name: "time beyond 64 bits", change: set(webhook.HeaderTimestamp, "99999999999999999999"), kind: fault.Invalid, says: "digits"},
		{name: "time of the year 10000", change: set(webhook.HeaderTimestamp, "253402300800"), kind: fault.Invalid, says: "digits"},
		{name: "id with a dot", change: set(webhook.HeaderID, "id.1"), kind: fault.Invalid, says: "visible ASCII"},
		{name: "id with a space", change: set(webhook.HeaderID, "id 1"), kind: fault.Invalid, says: "visible ASCII"},
		{name: "longest id", change: resign("secret", strings.Repeat("i", webhook.MaxID), body)},
		{name: "longer id", change: resign("secret", strings.Repeat("i", webhook.MaxID+1), body), kind: fault.Invalid, says: "longer"},
		{name: "unknown scheme", change: set(webhook.HeaderSignature, "v1a,AAAA"), kind: fault.Unauthenticated},
		{name: "no scheme", change: set(webhook.HeaderSignature, "AAAA"), kind: fault.Unauthenticated},
		{name: "too many signatures", change: set(webhook.HeaderSignature, strings.Repeat("v1,AAAA ", 600)), kind: fault.Invalid, says: "longer"},
		{name: "one of several", change: func(h http.Header) {
			h.Set(webhook.HeaderSignature, "v2,x v1,AAAA "+h.Get(webhook.HeaderSignature)+" v1,BBBB")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at, sent, with := c.at, c.body, c.secret
			if at.IsZero() {
				at = now
			}
			if sent == "" {
				sent = body
			}
			if with == "" {
				with = secret
			}
			h := webhook.Sign([]byte(secret), "id-1", at, []byte(body))
			if c.change != nil {
				c.change(h)
			}
			id, err := webhook.Verify([]byte(with), h, []byte(sent), now, tolerance)
			if c.kind == fault.Internal {
				if err != nil || id != h.Get(webhook.HeaderID) {
					t.Fatalf("id %q, error %v", id, err)
				}
				return
			}
			if !fault.Is(err, c.kind) || id != "" || !strings.Contains(fault.Public(err), c.says) {
				t.Fatalf("id %q, error %v, want %s with %q", id, err, c.kind, c.says)
			}
		})
	}
}

// TestNoSecret: an HMAC under an empty key can be made by everybody.
func TestNoSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range [][]byte{nil, {}} {
		h := webhook.Sign(secret, "id", now, nil)
		if _, err := webhook.Verify(secret, h, nil, now, tolerance); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("genuine without a secret: %v", err)
		}
	}
}

func set(name, value string) func(http.Header) {
	return func(h http.Header) { h.Set(name, value) }
}

func resign(secret, id, body string) func(http.Header) {
	return func(h http.Header) {
		for k, v := range webhook.Sign([]byte(secret), id, now, []byte(body)) {
			h[k] = v
		}
	}
}
