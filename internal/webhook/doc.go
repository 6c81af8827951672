// Package webhook signs and verifies messages between programs by Standard Webhooks 1.0
// (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): HMAC-SHA256
// over id, time and body, in three headers.
//
// It must not know what the messages say, nor who remembers their ids: that an id is used for
// one message only is checked by whoever keeps state.
//
// Invariants:
//   - Nothing about a message is believed before its signature was found to be right; only
//     headers that are missing or cannot be read are told apart before that.
//   - What is signed can be read in one way only: ids have no ".", times are digits. (The signed
//     text is id "." time "." body; an id with a "." could swallow a part of another message.)
//   - Without a secret nothing is signed by anybody, so nothing is genuine.
//
// The library's own Verify is not used for the time, because its tolerance and its clock are
// its own; the comparison of signatures is the library's.
package webhook
