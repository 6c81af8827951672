package response_test

import (
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap/response"
)

func TestParseVanished(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, uids string
		earlier  bool
	}{
		{" 5\r\n", "5", false},
		{" 405,407,410:425\r\n", "405,407,410:425", false},
		{" (EARLIER) 300:310,405\r\n", "300:310,405", true},
		{" (earlier) 4294967295:4294967290\r\n", "4294967290:4294967295", true},
	} {
		uids, earlier, err := response.ParseVanished([]byte(tt.in))
		if err != nil || uids.String() != tt.uids || earlier != tt.earlier {
			t.Errorf("%q: %s, %v, %v", tt.in, uids, earlier, err)
		}
	}
	for _, in := range []string{"", "\r\n", " (EARLIER)\r\n", " (LATER) 5\r\n", " 1:*\r\n", " 0\r\n", " 5 6\r\n", " 5,\r\n"} {
		if _, _, err := response.ParseVanished([]byte(in)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", in, err)
		}
	}
}
