package middleware_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"inlay.example/inlay/internal/fault"
)

// sign and verify are Standard Webhooks in a few lines: a second opinion on what is spoken.
func sign(secret []byte, id string, at time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}

func verify(secret []byte, h http.Header, body []byte, now time.Time, tolerance time.Duration) (string, error) {
	n, err := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || h.Get("Webhook-Id") == "" {
		return "", fault.New(fault.Invalid, "headers are missing")
	}
	if d := now.Sub(time.Unix(n, 0)); d > tolerance || d < -tolerance {
		return "", fault.New(fault.Invalid, "the timestamp is too old or too new")
	}
	want := sign(secret, h.Get("Webhook-Id"), time.Unix(n, 0), body).Get("Webhook-Signature")
	if !hmac.Equal([]byte(want), []byte(h.Get("Webhook-Signature"))) {
		return "", fault.New(fault.Unauthenticated, "the signature is wrong")
	}
	return h.Get("Webhook-Id"), nil
}
