package app_test

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// protocol is what RFC 3501 and the extensions that are offered consist of, by the headings of
// docs/protocol.md.
var protocol = map[string]string{
	"Commands": `CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB
		STATUS APPEND CHECK CLOSE EXPUNGE SEARCH FETCH STORE COPY UID_FETCH UID_STORE UID_SEARCH UID_COPY
		FETCH_$ STORE_$ COPY_$ UID_FETCH_$ UID_STORE_$ UID_COPY_$ UID_EXPUNGE_$ SEARCH_RETURN UID_SEARCH_RETURN SORT UID_SORT SORT_RETURN UID_SORT_RETURN THREAD UID_THREAD IDLE COMPRESS UID_EXPUNGE ID NAMESPACE UNSELECT
		GETQUOTA GETQUOTAROOT SETQUOTA SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS GETMETADATA SETMETADATA`,
	"Capabilities": `IMAP4rev1 IDLE UIDPLUS LITERAL+ ID NAMESPACE CHILDREN SPECIAL-USE CREATE-SPECIAL-USE UNSELECT LIST-EXTENDED LIST-STATUS STATUS=SIZE
		ESEARCH WITHIN SEARCHRES SORT SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS COMPRESS=DEFLATE BINARY OBJECTID SAVEDATE PREVIEW PREVIEW=FUZZY SNIPPET=FUZZY PARTIAL
		LITERAL- APPENDLIMIT MULTIAPPEND
		QUOTA QUOTASET QUOTA=RES-… ACL RIGHTS=… METADATA METADATA-SERVER
		SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2 AUTH=OAUTHBEARER STARTTLS LOGINDISABLED`,
	"Responses":      "OK NO BAD PREAUTH BYE CAPABILITY LIST LSUB STATUS SEARCH ESEARCH SORT THREAD FLAGS EXISTS RECENT EXPUNGE FETCH + ID NAMESPACE QUOTA QUOTAROOT ACL LISTRIGHTS MYRIGHTS METADATA",
	"Response codes": "ALERT BADCHARSET CAPABILITY PARSE PERMANENTFLAGS READ-ONLY READ-WRITE TRYCREATE UIDNEXT UIDVALIDITY UNSEEN APPENDUID COPYUID UIDNOTSTICKY MAILBOXID UNKNOWN-CTE",
	"Items": `MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN SIZE DELETED DELETED-STORAGE APPENDLIMIT MAILBOXID ALL FAST FULL BODY BODYSTRUCTURE BODY[…] BODY.PEEK[…] BINARY[…] BINARY.PEEK[…] BINARY.SIZE[…] EMAILID THREADID SAVEDATE PREVIEW SNIPPET ENVELOPE FLAGS INTERNALDATE
		RFC822 RFC822.HEADER RFC822.SIZE RFC822.TEXT UID HEADER HEADER.FIELDS HEADER.FIELDS.NOT MIME TEXT
		MIN MAX COUNT SAVE PARTIAL (PARTIAL_…) ARRIVAL CC DATE FROM SUBJECT TO DISPLAYFROM DISPLAYTO REVERSE +FLAGS -FLAGS FLAGS.SILENT +FLAGS.SILENT -FLAGS.SILENT`,
	"Search keys": `<sequence_set> ALL ANSWERED BCC BEFORE BODY CC DELETED DRAFT FLAGGED FROM HEADER KEYWORD LARGER NEW NOT OLD ON OR RECENT SEEN
		SENTBEFORE SENTON SENTSINCE SINCE SMALLER SUBJECT TEXT TO UID UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNKEYWORD UNSEEN CHARSET OLDER YOUNGER EMAILID THREADID SAVEDBEFORE SAVEDON SAVEDSINCE SAVEDATESUPPORTED $ UID_$`,
}

// testName is what only a test or a transcript is named like.
var testName = regexp.MustCompile(`^[a-z]+\.Test\w+$|^[a-z]+(_[a-z]+)+$`)

var quoted = regexp.MustCompile("`([^`]+)`")

func inQuotes(s string) (out []string) {
	for _, m := range quoted.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}

// The page on the protocol names everything that there is, and every test that it names exists.
func TestProtocolPage(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := namesOfTests(t)
	transcripts := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(root, "internal", "gateway", "testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, f := range files {
		transcripts[strings.TrimSuffix(filepath.Base(f), ".txt")] = true
	}
	dialogue, err := os.ReadFile(filepath.Join(root, "test", "testdata", "dialogue.txt"))
	if err != nil {
		t.Fatal(err)
	}

	has := map[string][]string{} // names by heading
	heading, cited := "", 0
	for n, line := range strings.Split(string(page), "\n") {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = h
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| ") || !strings.Contains(cells[len(cells)-1], "`") && !strings.Contains(cells[0], "`") {
			// Between tables, or a table's head: tests are named here too.
			for _, name := range inQuotes(line) {
				if testName.MatchString(name) && !tests[name] && !transcripts[name] {
					t.Errorf("line %d: there is no test %s", n+1, name)
				}
			}
			continue
		}
		names := inQuotes(cells[0])
		has[heading] = append(has[heading], names...)
		shown := inQuotes(cells[len(cells)-1])
		if len(shown) == 0 {
			t.Errorf("line %d: nothing shows %q", n+1, names)
		}
		cited += len(shown)
		for _, name := range shown {
			if !tests[name] && !transcripts[name] {
				t.Errorf("line %d: there is no test %s", n+1, name)
			}
			if name != "test.TestDialogue" || heading != "Commands" && heading != "Search keys" {
				continue
			}
			for _, word := range names {
				if !strings.Contains(string(dialogue), word) {
					t.Errorf("line %d: %s is not in the dialogue", n+1, word)
				}
			}
		}
	}
	for heading, all := range protocol {
		for _, name := range strings.Fields(all) {
			if name = strings.ReplaceAll(name, "_", " "); !slices.Contains(has[heading], name) {
				t.Errorf("%s: %s is not there", heading, name)
			}
		}
	}
	if cited < 200 {
		t.Errorf("only %d tests are named: the page was not understood", cited)
	}
}

// namesOfTests gives the tests of the module as package.Test.
func namesOfTests(t *testing.T) map[string]bool {
	out := map[string]bool{}
	for _, f := range tree(t) {
		if !f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				out[path.Base(f.pkg)+"."+fn.Name.Name] = true
			}
		}
	}
	return out
}
