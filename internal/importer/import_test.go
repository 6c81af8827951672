package importer_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/object"
)

func TestImport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.importer(t)
	key := s.put(t, manifest(2), template,
		"\nuser,first_name,offer\nANNA@Example.org,Anna,\"10 %, today\"\nben,Ben,\n",
		"more.ndjson\n{\"user\":\"cleo\",\"first_name\":\"Cleo\",\"visits\":3}\n")
	accepted := push(t, i, "1", key)
	if accepted.State != importer.Accepted || accepted.Manifest != key {
		t.Fatalf("accepted: %+v", accepted)
	}
	if s.active(t).ID != "" {
		t.Fatal("something happened before Run")
	}
	run(t, i)
	got := ended(t, i, accepted.ID)
	if got.State != importer.Complete || got.Problem != "" || got.Rows != (importer.Rows{Total: 3, Read: 3}) ||
		got.Campaign != "c" || got.Version != 2 || got.FinishedAt.IsZero() || got.StartedAt.IsZero() {
		t.Fatalf("complete: %+v", got)
	}
	m := manifest(2)
	want := campaign.Active{
		ID: "c", Name: m.Name, Class: m.Class, Mailbox: m.Mailbox, Start: m.Start, End: m.End, Priority: 2,
		State: campaign.Running, Version: 2, Template: digest(template),
	}
	if diff := cmp.Diff(want, s.active(t)); diff != "" {
		t.Error(diff)
	}
	body, err := s.Template(t.Context(), digest(template))
	if err != nil || string(body) != template {
		t.Errorf("template %q, %v", body, err)
	}
	for user, row := range map[string]map[string]string{
		"anna@example.org": {"first_name": "Anna", "offer": "10 %, today"},
		"ben@example.org":  {"first_name": "Ben", "offer": ""},
		"cleo@example.org": {"first_name": "Cleo", "visits": "3"},
		"ANNA@Example.org": nil,
		"dora@example.org": nil,
	} {
		if diff := cmp.Diff(row, s.rowOf(t, user)); diff != "" {
			t.Errorf("%s: %s", user, diff)
		}
	}
}

func TestStartIsIdempotent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.importer(t)
	key := s.put(t, manifest(1), template, "\nuser,first_name\nanna,Anna\n")
	first := push(t, i, "1", key)
	if again := push(t, i, "1", key); !cmp.Equal(first, again) {
		t.Errorf("again: %+v", again)
	}
	if _, err := i.Start(t.Context(), "1", "another digest", key); !fault.Is(err, fault.Conflict) {
		t.Errorf("the id with another body: %v", err)
	}
	if other := push(t, i, "2", key); other.ID == first.ID {
		t.Error("two pushes are one job")
	}
	for _, bad := range [][3]string{{"", "d", "k"}, {"i", "", "k"}, {"i", "d", ""}, {"i", "d", "../k"}} {
		if _, err := i.Start(t.Context(), bad[0], bad[1], "k"+"/.."); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := i.Job(t.Context(), "import-unheard-of"); !fault.Is(err, fault.NotFound) {
		t.Errorf("unheard of: %v", err)
	}
	run(t, i)
	ended(t, i, first.ID)
	// A push that comes again when all is over finds its job.
	if again := push(t, i, "1", key); again.State != importer.Complete {
		t.Errorf("afterwards: %+v", again)
	}
}

// TestFailures: what is wrong with a bundle is said with the place, and nothing of it is kept.
func TestFailures(t *testing.T) {
	t.Parallel()
	const good = "\nuser,first_name\nanna,Anna\nben,Ben\n"
	for name, c := range map[string]struct {
		template string
		files    []string
		spoil    func(*testing.T, *site)
		says     []string
		phase    importer.Phase
	}{
		"no manifest":                    {spoil: remove("p/c/1/manifest.json"), says: []string{"p/c/1/manifest.json", "does not exist"}, phase: importer.ReadManifest},
		"not a manifest":                 {spoil: replace("p/c/1/manifest.json", "{}"), says: []string{"campaign: is missing", "template: is missing"}, phase: importer.ReadManifest},
		"no JSON":                        {spoil: replace("p/c/1/manifest.json", "{"), says: []string{"not JSON"}, phase: importer.ReadManifest},
		"misplaced":                      {spoil: misplace, says: []string{"must end in c/7/manifest.json"}, phase: importer.ReadManifest},
		"no template":                    {spoil: remove("p/c/1/t.eml"), says: []string{"p/c/1/t.eml", "does not exist"}, phase: importer.ReadTemplate},
		"template size":                  {spoil: replace("p/c/1/t.eml", template+" "), says: []string{"t.eml has", "octets, the manifest says"}, phase: importer.ReadTemplate},
		"template sum":                   {spoil: replace("p/c/1/t.eml", strings.Replace(template, "Hello", "Jello", 1)), says: []string{"t.eml has the SHA-256", "the manifest says " + sum([]byte(template))}, phase: importer.ReadTemplate},
		"template that does not compile": {template: "From: a@example.org\r\nSubject: {{ a\r\n\r\nx", says: []string{"template", "Subject"}, phase: importer.ReadTemplate},
		"no recipients":                  {spoil: remove("p/c/1/r0.csv"), says: []string{"p/c/1/r0.csv", "does not exist"}, phase: importer.ReadRecipients},
		"recipients' sum":                {spoil: replace("p/c/1/r0.csv", strings.Replace(good[1:], "Ben", "Bob", 1)), says: []string{"r0.csv has the SHA-256"}, phase: importer.ReadRecipients},
		"recipients' size":               {spoil: replace("p/c/1/r0.csv", good), says: []string{"r0.csv has", "octets"}, phase: importer.ReadRecipients},
		"too few rows":                   {spoil: rows(3), says: []string{"r0.csv has 2 rows, the manifest says 3"}, phase: importer.ReadRecipients},
		"too many rows":                  {spoil: rows(1), says: []string{"r0.csv has more than the 1 rows"}, phase: importer.ReadRecipients},
		"missing column":                 {files: []string{good, "\nuser,last_name,offer\ncleo,Clark,x\n"}, says: []string{"r1.csv lacks", `"first_name"`, "Subject", "last_name, offer"}, phase: importer.ReadRecipients},
		"no header":                      {files: []string{"\n"}, says: []string{"r0.csv has no header"}, phase: importer.ReadRecipients},
		"bad header":                     {files: []string{"\nuser,first name\n"}, says: []string{"r0.csv: the header", "column 2"}, phase: importer.ReadRecipients},
		"not compressed":                 {files: []string{"r.csv.gz" + good}, says: []string{"r.csv.gz is damaged"}, phase: importer.ReadRecipients},
		"too many rejected":              {files: []string{"\nuser,first_name\n\x01,A\nben\ncleo,C\n"}, says: []string{"1 of 3 rows were rejected, more than 10 %", "line 2 of r0.csv", "control characters"}, phase: importer.ReadRecipients},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			i := s.importer(t)
			if c.template == "" {
				c.template = template
			}
			if c.files == nil {
				c.files = []string{good}
			}
			key := s.put(t, manifest(1), c.template, c.files...)
			if c.spoil != nil {
				c.spoil(t, s)
			}
			run(t, i)
			got := ended(t, i, push(t, i, "1", key).ID)
			if got.State != importer.Failed || got.Phase != c.phase {
				t.Fatalf("%+v", got)
			}
			for _, part := range c.says {
				if !strings.Contains(got.Problem, part) {
					t.Errorf("it says %q, and not %q", got.Problem, part)
				}
			}
			if v := s.active(t).Version; v != 0 {
				t.Errorf("version %d counts", v)
			}
			eventually(t, "the rows are dropped", func() bool { return s.count(t, 1) == 0 })
		})
	}
}

func remove(key string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		t.Helper()
		if err := s.objects.Delete(t.Context(), object.Key(key)); err != nil {
			t.Fatal(err)
		}
	}
}

func replace(key, body string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		t.Helper()
		s.object(t, object.Key(key), []byte(body))
	}
}

func misplace(t *testing.T, s *site) {
	t.Helper()
	body := s.read(t, "p/c/1/manifest.json")
	s.object(t, "p/c/1/manifest.json", []byte(strings.Replace(body, `"version":1`, `"version":7`, 1)))
}

func rows(n int) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		t.Helper()
		body := s.read(t, "p/c/1/manifest.json")
		s.object(t, "p/c/1/manifest.json", []byte(strings.Replace(body, `"rows":2`, `"rows":`+string(rune('0'+n)), 1)))
	}
}

// TestRejectedRows: a bad row costs itself; it is told with its line, in the job and in a file.
func TestRejectedRows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.importer(t, func(c *importer.Config, _ *importer.Deps) { c.ErrorRatio = 0.5 })
	long := strings.Repeat("x", 40<<10)
	key := s.put(t, manifest(1), template,
		"\nuser,first_name\nanna,Anna\n,Nobody\nben\ncleo,Cleo\na\x07b,Bell\n",
		"x.ndjson\n"+`{"user":"dora"}`+"\n"+`{"user":"emil","first_name":"Emil"}`+"\n"+`{"user":"fritz","first_name":"Fritz","a":"`+long+`","b":"`+long+`"}`+"\n"+`{"user":"gerd","first_name":"\u0000"}`+"\nx\n"+
			`{"user":"hugo","first_name":"Hugo"}`+"\n"+`{"user":"ida","first_name":"Ida"}`+"\n"+`{"user":"jo","first_name":"Jo"}`+"\n"+`{"user":"kim","first_name":"Kim"}`+"\n")
	run(t, i)
	got := ended(t, i, push(t, i, "1", key).ID)
	if got.State != importer.Complete || got.Rows != (importer.Rows{Total: 14, Read: 14, Rejected: 7}) {
		t.Fatalf("%+v", got)
	}
	want := []importer.RejectedRow{
		{File: "r0.csv", Line: 3, Reason: "the user is missing"},
		{File: "r0.csv", Line: 4, Reason: "1 fields, and the header has 2"},
		{File: "r0.csv", Line: 6, Reason: "the user name has control characters"},
		{File: "x.ndjson", Line: 1, Reason: `there is no "first_name", which the template asks for without a default`},
		{File: "x.ndjson", Line: 3, Reason: "the variables have 81956 octets as JSON, more than 65536"},
		{File: "x.ndjson", Line: 4, Reason: "the value of first_name has characters that are not allowed"},
		{File: "x.ndjson", Line: 5, Reason: "not JSON: invalid character 'x' looking for beginning of value, at octet 1"},
	}
	if diff := cmp.Diff(want, got.Rejected); diff != "" {
		t.Error(diff)
	}
	if len(got.ErrorFiles) != 2 {
		t.Fatalf("error files: %v", got.ErrorFiles)
	}
	if got, want := s.read(t, got.ErrorFiles[0]), "3,the user is missing\n4,\"1 fields, and the header has 2\"\n6,the user name has control characters\n"; got != want {
		t.Errorf("the first error file:\n%s", got)
	}
	if n := strings.Count(s.read(t, got.ErrorFiles[1]), "\n"); n != 4 {
		t.Errorf("%d rows in the second error file", n)
	}
	if s.count(t, 1) != 7 || s.rowOf(t, "cleo@example.org") == nil || s.rowOf(t, "dora@example.org") != nil {
		t.Errorf("%d rows", s.count(t, 1))
	}
}

// TestLastRowWins: of one person's rows the last one in the bundle counts, wherever they are.
func TestLastRowWins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.importer(t)
	key := s.put(t, manifest(1), template,
		"\nuser,first_name\nanna,1\nben,1\nANNA,2\n", "\nuser,first_name\nben@example.org,2\ncleo,1\n", "\nuser,first_name\nanna@EXAMPLE.org,3\n")
	run(t, i)
	if got := ended(t, i, push(t, i, "1", key).ID); got.State != importer.Complete || got.Rows.Read != 6 {
		t.Fatalf("%+v", got)
	}
	for user, want := range map[string]string{"anna": "3", "ben": "2", "cleo": "1"} {
		if got := s.rowOf(t, user+"@example.org")["first_name"]; got != want {
			t.Errorf("%s has row %s", user, got)
		}
	}
	if s.count(t, 1) != 3 {
		t.Errorf("%d rows", s.count(t, 1))
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	registry := prometheus.NewRegistry()
	metrics, err := importer.NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	i := s.importer(t, func(_ *importer.Config, d *importer.Deps) { d.Metrics = metrics })
	stop := run(t, i)
	first := s.put(t, manifest(3), template, "\nuser,first_name\nanna,Anna\nben,Ben\n")
	if got := ended(t, i, push(t, i, "1", first).ID); got.State != importer.Complete || got.Unchanged {
		t.Fatalf("%+v", got)
	}
	// The same bundle by another push changes nothing.
	before := s.active(t)
	if got := ended(t, i, push(t, i, "2", first).ID); got.State != importer.Complete || !got.Unchanged {
		t.Fatalf("%+v", got)
	}
	if !cmp.Equal(before, s.active(t)) || s.count(t, 3) != 2 {
		t.Error("the same bundle has changed something")
	}
	// Another one under the same version is refused, and so is an older one.
	s.put(t, manifest(3), template, "\nuser,first_name\nanna,Anna\nben,Ben\ncleo,Cleo\n")
	if got := ended(t, i, push(t, i, "3", first).ID); got.State != importer.Failed || !strings.Contains(got.Problem, "another manifest") {
		t.Fatalf("%+v", got)
	}
	old := s.put(t, manifest(2), template, "\nuser,first_name\nanna,Anna\n")
	if got := ended(t, i, push(t, i, "4", old).ID); got.State != importer.Failed || !strings.Contains(got.Problem, "version 3 already") {
		t.Fatalf("%+v", got)
	}
	if !cmp.Equal(before, s.active(t)) || s.count(t, 3) != 2 {
		t.Error("what was refused has changed something")
	}
	// A newer one replaces it, and its rows go.
	newer := s.put(t, manifest(9), template, "\nuser,first_name,offer\nanna,Anne,x\ncleo,Cleo,y\n")
	if got := ended(t, i, push(t, i, "5", newer).ID); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	if s.active(t).Version != 9 || s.active(t).Priority != 9 {
		t.Errorf("%+v", s.active(t))
	}
	eventually(t, "the replaced rows are dropped", func() bool { return s.count(t, 3) == 0 })
	if s.count(t, 9) != 2 || s.rowOf(t, "ben@example.org") != nil || s.rowOf(t, "anna@example.org")["first_name"] != "Anne" {
		t.Error("the rows of the newer one are not what they should be")
	}
	// One that fails leaves the one that counts, and can be corrected under its version.
	failed := s.put(t, manifest(10), template, "\nuser\nanna\nben\n")
	if got := ended(t, i, push(t, i, "6", failed).ID); got.State != importer.Failed {
		t.Fatalf("%+v", got)
	}
	if s.active(t).Version != 9 || s.rowOf(t, "anna@example.org")["first_name"] != "Anne" {
		t.Error("a failure has changed what counts")
	}
	s.put(t, manifest(10), template, "\nuser,first_name\nben,B\n")
	if got := ended(t, i, push(t, i, "7", failed).ID); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	if s.count(t, 10) != 1 || s.rowOf(t, "ben@example.org") == nil {
		t.Errorf("%d rows of the corrected one", s.count(t, 10))
	}
	stop() // it counts after it has said that a job has ended
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			counted[f.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
	}
	if diff := cmp.Diff(map[string]float64{
		"inlay_import_jobs_total complete": 3, "inlay_import_jobs_total failed": 3, "inlay_import_jobs_total unchanged": 1,
		"inlay_import_rows_total accepted": 5, "inlay_import_rows_total rejected": 0,
	}, counted); diff != "" {
		t.Error(diff)
	}
}

// TestCommandsAreKept: what somebody has commanded is stronger than a new version.
func TestCommandsAreKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.importer(t)
	run(t, i)
	next := 0
	bring := func() importer.Status {
		next++
		key := s.put(t, manifest(next), template, "\nuser,first_name\nanna,Anna\n")
		return ended(t, i, push(t, i, string(rune('0'+next)), key).ID)
	}
	if got := bring(); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	s.command(t, campaign.Paused)
	if got := bring(); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	if c := s.active(t); c.State != campaign.Paused || c.Revision != 1 || c.Version != 2 {
		t.Fatalf("paused: %+v", c)
	}
	s.command(t, campaign.Cancelled)
	if got := bring(); got.State != importer.Failed || !strings.Contains(got.Problem, "recalled") {
		t.Fatalf("%+v", got)
	}
	if c := s.active(t); c.State != campaign.Cancelled || c.Revision != 2 || c.Version != 2 {
		t.Fatalf("recalled: %+v", c)
	}
}

func TestErrorRatio(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ratio    float64
		rejected int
		state    importer.State
	}{
		{0, 0, importer.Complete},
		{0, 1, importer.Failed},
		{0.1, 2, importer.Complete}, // of 20: exactly the ratio
		{0.1, 3, importer.Failed},
		{1, 20, importer.Complete},
	} {
		s := newSite(t)
		i := s.importer(t, func(cfg *importer.Config, _ *importer.Deps) { cfg.ErrorRatio = c.ratio })
		text := "\nuser,first_name\n" + strings.Repeat("anna,Anna\n", 20-c.rejected) + strings.Repeat("too,many,fields\n", c.rejected)
		run(t, i)
		got := ended(t, i, push(t, i, "1", s.put(t, manifest(1), template, text)).ID)
		if got.State != c.state {
			t.Errorf("%d of 20 at %g: %+v", c.rejected, c.ratio, got)
		}
	}
	for _, ratio := range []float64{-0.1, 1.1} {
		if _, err := importer.New(importer.Config{ErrorRatio: ratio}, importer.Deps{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%g: %v", ratio, err)
		}
	}
}

// TestJobsInOrder: the jobs of a data source are done in the order in which they came.
func TestJobsInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var ticks atomic.Int64
	i := s.importer(t, func(_ *importer.Config, d *importer.Deps) {
		d.Now = func() time.Time { return time.Unix(0, 0).Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	})
	var ids []string
	for v := 1; v <= 9; v++ { // any other order would refuse an older version
		key := s.put(t, manifest(v), template, "\nuser,first_name\nanna,Anna\n")
		ids = append(ids, push(t, i, "push "+string(rune('0'+v)), key).ID)
	}
	run(t, i)
	for _, id := range ids {
		if got := ended(t, i, id); got.State != importer.Complete {
			t.Errorf("%+v", got)
		}
	}
}
