package platform_test

import (
	"bytes"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform"
	"inlay.example/inlay/internal/platform/api"
)

// Whatever is uploaded: an error is a fault of the caller's; what is stored is read again
// without one, row for row; how the octets arrive makes no difference; and what strict reading
// takes, lenient reading takes the same way.
func FuzzAudience(f *testing.F) {
	for _, seed := range []string{
		"user\nanna\n", "Email,code\r\nanna@example.org,1\r\n", "\xef\xbb\xbfuser,a\nanna,\"1\n2\"\n",
		"user,a\nanna\nbert,2\n", "user,a\nanna,\"1\nbert,2\n", "user,a,a\n", "user;a\nanna;1\n",
		"", "\n\r\n", "user", "user,\nanna,\n", "\"user\",a\nanna,\"\"\"\"\n", "user,a\n\"an\"na,1\n", "user\n\n\n",
		"user,a\r\nanna,1\rbert,2\r\n", "user,a\n \xff,1\n", "user,a\nanna,\x00\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		read := func(in []byte, skip, slowly bool) (api.Audience, string, error) {
			var a api.Audience
			var out bytes.Buffer
			var err error
			if slowly {
				err = platform.CopyRows(&out, iotest.OneByteReader(bytes.NewReader(in)), skip, &a)
			} else {
				err = platform.CopyRows(&out, bytes.NewReader(in), skip, &a)
			}
			if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Fatalf("an error that is not the caller's: %v", err)
			}
			return a, out.String(), err
		}
		strict, stored, err := read(in, false, false)
		slow, storedSlowly, slowErr := read(in, false, true)
		if diff := cmp.Diff(strict, slow); diff != "" || (err == nil) != (slowErr == nil) || err == nil && stored != storedSlowly {
			t.Fatalf("octet by octet: %v, %v\n%s", err, slowErr, diff)
		}
		lenient, storedLenient, lenientErr := read(in, true, false)
		if err == nil && (lenientErr != nil || storedLenient != stored || lenient.Rejected != 0) {
			t.Fatalf("strict takes it, lenient: %+v, %v", lenient, lenientErr)
		}
		if lenientErr != nil {
			return
		}
		again, storedAgain, err := read([]byte(storedLenient), false, false)
		if err != nil || storedAgain != storedLenient || again.Rows != lenient.Rows {
			t.Fatalf("what was stored, read again: %+v, %v\n%q\n%q", again, err, storedLenient, storedAgain)
		}
	})
}
