// Package backend opens connections to the real IMAP server: TCP, TLS from the first octet
// or by STARTTLS, certificates verified, keep-alive set.
//
// It must not know sessions, injection or the view. What it returns has been greeted and is
// not authenticated.
//
// Implements RFC 9051 §7.1 (greeting) and §6.2.1 (STARTTLS), RFC 8314 (implicit TLS).
package backend
