package test_test

import (
	"encoding/json"
	"os"
	"testing"

	"inlay.example/inlay/internal/peertest"
)

// roundcubeLib is where Debian's roundcube-core has the classes; INLAY_ROUNDCUBE names another
// folder, of a package that was only unpacked (its web server is not needed).
const roundcubeLib = "/usr/share/roundcube/program/lib/Roundcube"

// lookWithRoundcube has Roundcube's own IMAP class look at the mailbox.
func lookWithRoundcube(t *testing.T, d *desk) impression {
	t.Helper()
	php := peertest.Need(t, "php", "php-cli")
	lib := os.Getenv("INLAY_ROUNDCUBE")
	if lib == "" {
		lib = roundcubeLib
	}
	if _, err := os.Stat(lib + "/rcube_imap_generic.php"); err != nil {
		peertest.Missing(t, "Roundcube's classes are not in %s: unpack Debian's roundcube-core (apt-get download roundcube-core && dpkg -x …) and name the folder program/lib/Roundcube in INLAY_ROUNDCUBE", lib)
	}
	host, port := d.hostPort(t)
	var got impression
	if err := json.Unmarshal([]byte(output(t, php, "testdata/client_roundcube.php", lib, host, port, d.user, "pass")), &got); err != nil {
		t.Fatal(err)
	}
	return got
}
