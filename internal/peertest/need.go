package peertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// RequirePeers is the environment variable that turns a skip for want of a program into a failure.
const RequirePeers = "REQUIRE_PEERS"

// sbin is where Debian puts servers; it is not in everybody's PATH.
var sbin = [...]string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// Need returns the path of a program. When it is not installed, the test is skipped (or
// failed, see RequirePeers) with the name of the Debian package that brings it.
func Need(t testing.TB, program, debianPackage string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range sbin {
		path := filepath.Join(dir, program)
		if st, err := os.Stat(path); err == nil && st.Mode()&0o111 != 0 {
			return path
		}
	}
	Missing(t, "%s is not installed (Debian: apt-get install %s)", program, debianPackage)
	return ""
}

// Missing skips the test, or fails it under REQUIRE_PEERS=1. The text says what to install.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(RequirePeers) == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
