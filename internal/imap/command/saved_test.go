package command_test

import (
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// TestSavedResult: "$" stands wherever a set may, alone, and is found in its place.
func TestSavedResult(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, err string }{
		{"FETCH $ (FLAGS)", ""},
		{"UID FETCH $ FLAGS", ""},
		{`STORE $ +FLAGS (\Seen)`, ""},
		{"UID STORE $ FLAGS.SILENT ()", ""},
		{"COPY $ Trash", ""},
		{`UID COPY $ "Trash"`, ""},
		{"MOVE $ Trash", ""},
		{"UID EXPUNGE $", ""},
		{"FETCH 1 (FLAGS)", ""},
		{"UID EXPUNGE 1:*", ""},
		{"FETCH $,1 FLAGS", "a space expected at octet 11"},
		{"FETCH 1,$ FLAGS", notSeq + " at octet 12"},
		{"FETCH $$ FLAGS", "a space expected at octet 11"},
		{"UID EXPUNGE $1", "the end of the line expected at octet 17"},
		{"COPY $Trash", "a space expected at octet 10"},
	} {
		c, err := one(t, "A1 "+tt.in+"\r\n", command.Limits{})
		if got := refusal(t, c, err); got != tt.err || tt.err != "" {
			if got != tt.err {
				t.Errorf("%s: %q, want %q", tt.in, got, tt.err)
			}
			continue
		}
		var saved bool
		var set imap.SeqSet
		var start, end int
		switch a := c.Args.(type) {
		case *command.Fetch:
			saved, set, start, end = a.Saved, a.Set, a.SetStart, a.SetEnd
		case *command.Store:
			saved, set, start, end = a.Saved, a.Set, a.SetStart, a.SetEnd
		case *command.Copy:
			saved, set, start, end = a.Saved, a.Set, a.SetStart, a.SetEnd
		case *command.Move:
			saved, set, start, end = a.Saved, a.Set, a.SetStart, a.SetEnd
		case *command.Expunge:
			saved, set, start, end = a.Saved, a.Set, a.SetStart, a.SetEnd
		}
		if written := string(c.Raw[start:end]); saved != (written == "$") || saved == (set != nil) {
			t.Errorf("%s: %v of %v at %q", tt.in, saved, set, written)
		}
	}
	c, err := one(t, "A1 EXPUNGE\r\n", command.Limits{})
	if text := refusal(t, c, err); text != "" || c.Args.(*command.Expunge).Saved {
		t.Errorf("EXPUNGE: %q %+v", text, c.Args)
	}
}
