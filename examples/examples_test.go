package examples_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/examples"
	"inlay.example/inlay/internal/message"
)

// TestExamples renders every template for every person of the audience, and for one of whom
// nothing is known.
func TestExamples(t *testing.T) {
	t.Parallel()
	f, err := examples.Files.Open("people.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 4 || rows[0][0] != "user" {
		t.Fatalf("people.csv: %d rows, %v", len(rows), err)
	}
	columns := rows[0][1:]
	for _, name := range []string{"alert", "welcome", "offer"} {
		src, err := examples.Files.ReadFile(name + ".eml")
		if err != nil {
			t.Fatal(err)
		}
		tmpl, err := message.Compile(src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if u := tmpl.Unknown(columns); len(u) > 0 {
			t.Errorf("%s: people.csv has no column for %v", name, u)
		}
		if i := slices.IndexFunc(tmpl.Variables(), func(v message.Variable) bool { return v.Required }); i >= 0 {
			t.Errorf("%s: %s has no default: it cannot be shown to everybody", name, tmpl.Variables()[i].Name)
		}
		for _, row := range append(rows[1:], []string{"nobody@example.org"}) {
			vars := map[string]string{}
			for i, v := range row[1:] {
				vars[columns[i]] = v
			}
			raw, err := tmpl.Render(vars, message.System{Placement: "example", Campaign: name, User: row[0], Date: time.Unix(1790000000, 0)})
			if err != nil {
				t.Errorf("%s for %s: %v", name, row[0], err)
				continue
			}
			if strings.Contains(string(raw), "{{") || strings.Contains(string(raw), "{%") {
				t.Errorf("%s for %s holds a tag", name, row[0])
			}
		}
	}
}
