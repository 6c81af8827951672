package message_test

import (
	"slices"
	"strings"
	"testing"

	"inlay.example/inlay/internal/message"
)

// TestThreadIDs: ids are found among whatever else stands in their fields, and white space,
// comments and quotes in them make no difference.
func TestThreadIDs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, id string
		refs   []string
	}{
		{"", "", nil},
		{"Message-ID: <a@b>\r\n", "a@b", nil},
		{"message-id:text <a @\r\n b> <c@d>\r\nReferences: <x@y>junk<z@y>\r\n <no at> <>\r\nIn-Reply-To: <i@j>\r\n", "a@b", []string{"x@y", "z@y"}},
		{"Message-ID: <\"a b\"@c>\r\nIn-Reply-To: <i@j> <k@l>\r\n", "a b@c", []string{"i@j"}},
		{"Message-ID: <a(comment)@b>\r\nReferences: <broken@c\r\nIn-Reply-To: <i@j>\r\n", "a@b", []string{"i@j"}},
		{"Message-ID: not one\r\nMessage-ID: <a@b>\r\nReferences:\r\nIn-Reply-To: none\r\n", "", nil},
	} {
		id, refs := message.ParseHeader([]byte(tt.in)).ThreadIDs()
		if id != tt.id || !slices.Equal(refs, tt.refs) {
			t.Errorf("%s: %q, %q, want %q, %q", strings.ReplaceAll(tt.in, "\r\n", "¶"), id, refs, tt.id, tt.refs)
		}
	}
}
