package webhook

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"inlay.example/inlay/internal/fault"
)

// The headers of a signed message.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Limits of what is read. HTTP servers bound headers too, but by megabytes.
const (
	MaxID         = 256  // octets of an id
	maxSignatures = 4096 // octets of the list of signatures
)

// secretPrefix marks a secret that is written as Standard Webhooks has it: base64 of the key.
const secretPrefix = "whsec_"

// Sign returns the headers of a message with that id, sent at that time (whole seconds count).
// The id should be 1 to MaxID visible ASCII characters other than ".": others are refused by
// Verify. A secret that begins with "whsec_" and goes on in base64 stands for the octets that
// it encodes; any other secret is the key itself.
func Sign(secret []byte, id string, at time.Time, body []byte) http.Header {
	h := http.Header{}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	// The raw form of a secret cannot be wrong, and signing cannot fail.
	wh, _ := standardwebhooks.NewWebhookRaw(key(secret))
	signature, _ := wh.Sign(id, at, body)
	h.Set(HeaderSignature, signature)
	return h
}

// Verify checks a message and returns its id. now is compared with the time in the headers,
// which may differ by tolerance in either direction, the limit included.
//
// Faults: Invalid when a header is missing or cannot be read, or when the time of a message
// that is genuine otherwise is beyond the tolerance; Unauthenticated when no signature is
// right, or there is no secret.
func Verify(secret []byte, h http.Header, body []byte, now time.Time, tolerance time.Duration) (id string, err error) {
	id = h.Get(HeaderID)
	stamp, signatures := h.Get(HeaderTimestamp), h.Get(HeaderSignature)
	for _, c := range [...]struct{ name, value string }{
		{HeaderID, id}, {HeaderTimestamp, stamp}, {HeaderSignature, signatures},
	} {
		if c.value == "" {
			return "", fault.New(fault.Invalid, "the header %s is missing: messages are signed by Standard Webhooks", c.name)
		}
	}
	if err := checkID(id); err != nil {
		return "", err
	}
	at, err := parseTime(stamp)
	if err != nil {
		return "", err
	}
	if len(signatures) > maxSignatures {
		return "", fault.New(fault.Invalid, "the header %s is longer than %d octets", HeaderSignature, maxSignatures)
	}
	if len(secret) == 0 {
		return "", fault.New(fault.Unauthenticated, "there is no secret by which a message could be verified")
	}
	wh, err := standardwebhooks.NewWebhookRaw(key(secret))
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "reading the secret of signed messages")
	}
	if err := wh.VerifyIgnoringTimestamp(body, h); err != nil {
		return "", fault.Wrap(fault.Unauthenticated, err, "the signature is wrong")
	}
	switch age := now.Sub(at); {
	case age > tolerance:
		return "", fault.New(fault.Invalid, "the message is too old: sent at %s, more than %s ago", at.Format(time.RFC3339), tolerance)
	case age < -tolerance:
		return "", fault.New(fault.Invalid, "the message is from the future: sent at %s, more than %s ahead of this clock", at.Format(time.RFC3339), tolerance)
	}
	return id, nil
}

func checkID(id string) error {
	if len(id) > MaxID {
		return fault.New(fault.Invalid, "the header %s is longer than %d octets", HeaderID, MaxID)
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c >= 0x7f || c == '.' {
			return fault.New(fault.Invalid, "the header %s may have visible ASCII characters other than \".\" only", HeaderID)
		}
	}
	return nil
}

// parseTime reads whole seconds since 1970: digits only, so that what was signed has one spelling.
func parseTime(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	// Beyond the year 9999 differences of times no longer fit.
	if err != nil || s != strconv.FormatInt(n, 10) || n < 0 || n > 253402300799 {
		return time.Time{}, fault.New(fault.Invalid, "the header %s must be seconds since 1970, in digits", HeaderTimestamp)
	}
	return time.Unix(n, 0).UTC(), nil
}

// key gives the octets that a secret stands for.
func key(secret []byte) []byte {
	encoded, ok := bytes.CutPrefix(secret, []byte(secretPrefix))
	if !ok {
		return secret
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(encoded)))
	if err != nil || len(decoded) == 0 {
		return secret
	}
	return decoded
}
