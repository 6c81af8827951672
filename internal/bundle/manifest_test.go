package bundle_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

func manifest() bundle.Manifest {
	return bundle.Manifest{
		Format: 1, Campaign: "spring-2026", Version: 3, Name: "Frühling", Class: campaign.Own, Mailbox: "INBOX",
		Start: time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC), End: time.Date(2026, 3, 27, 8, 0, 0, 0, time.UTC), Priority: 50,
		Template: bundle.File{Name: "template-default.eml", Size: 1530, SHA256: strings.Repeat("0a", 32)},
		Recipients: []bundle.RecipientsFile{
			{Name: "recipients-00000.csv.zst", Size: 10, SHA256: strings.Repeat("1b", 32), Rows: 7},
			{Name: "more.ndjson", Size: 0, SHA256: strings.Repeat("2c", 32), Rows: 0},
		},
	}
}

func encode(t testing.TB, m bundle.Manifest) string {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestParseIsTheInverseOfWriting(t *testing.T) {
	t.Parallel()
	want := manifest()
	got, err := bundle.Parse([]byte(encode(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if got.Rows() != 7 {
		t.Errorf("%d rows", got.Rows())
	}
}

// edits are manifests with something wrong, and the fields that must be named for it.
var edits = []edit{
	{name: "nothing wrong"},
	{name: "times with a zone", old: `"2026-03-20T08:00:00Z"`, new: `"2026-03-20T09:00:00+01:00"`},
	{name: "format 2", old: `"format":1`, new: `"format":2`, fields: []string{"format"}},
	{name: "format as text", old: `"format":1`, new: `"format":"1"`, fields: []string{"format"}},
	{name: "no format", old: `"format":1,`, new: ``, fields: []string{"format"}},
	{name: "member in capitals", old: `"name":"F`, new: `"Name":"F`, fields: []string{"name", "Name"}},
	{name: "unknown member", old: `{"format"`, new: `{"colour":1,"format"`, fields: []string{"colour"}},
	{name: "campaign in capitals", old: `"spring-2026"`, new: `"Spring"`, fields: []string{"campaign"}},
	{name: "campaign with a slash", old: `"spring-2026"`, new: `"a/../b"`, fields: []string{"campaign"}},
	{name: "no campaign", old: `"spring-2026"`, new: `""`, fields: []string{"campaign"}},
	{name: "longest campaign", old: `"spring-2026"`, new: `"` + strings.Repeat("a", 64) + `"`},
	{name: "longer campaign", old: `"spring-2026"`, new: `"` + strings.Repeat("a", 65) + `"`, fields: []string{"campaign"}},
	{name: "version 0", old: `"version":3`, new: `"version":0`, fields: []string{"version"}},
	{name: "greatest version", old: `"version":3`, new: `"version":4294967295`},
	{name: "greater version", old: `"version":3`, new: `"version":4294967296`, fields: []string{"version"}},
	{name: "version with a fraction", old: `"version":3`, new: `"version":3.5`, fields: []string{"version"}},
	{name: "negative version", old: `"version":3`, new: `"version":-1`, fields: []string{"version"}},
	{name: "no name", old: `"Frühling"`, new: `""`, fields: []string{"name"}},
	{name: "name of two lines", old: `"Frühling"`, new: `"a\nb"`, fields: []string{"name"}},
	{name: "long name", old: `"Frühling"`, new: `"` + strings.Repeat("n", 257) + `"`, fields: []string{"name"}},
	{name: "name long in octets", old: `"Frühling"`, new: `"` + strings.Repeat("ü", 129) + `"`, fields: []string{"name"}, beyondSchema: true},
	{name: "unknown class", old: `"own"`, new: `"ours"`, fields: []string{"class"}},
	{name: "no mailbox", old: `"INBOX"`, new: `""`, fields: []string{"mailbox"}},
	{name: "mailbox is null", old: `"INBOX"`, new: `null`, fields: []string{"mailbox"}},
	{name: "start in words", old: `"2026-03-20T08:00:00Z"`, new: `"tomorrow"`, fields: []string{"start"}},
	{name: "start without a zone", old: `"2026-03-20T08:00:00Z"`, new: `"2026-03-20T08:00:00"`, fields: []string{"start"}},
	{name: "start as a number", old: `"2026-03-20T08:00:00Z"`, new: `1774000000`, fields: []string{"start"}},
	{name: "end before start", old: `"2026-03-27`, new: `"2026-03-19`, fields: []string{"end"}, beyondSchema: true},
	{name: "end at start", old: `"2026-03-27`, new: `"2026-03-20`, fields: []string{"end"}, beyondSchema: true},
	{name: "priority 101", old: `"priority":50`, new: `"priority":101`, fields: []string{"priority"}},
	{name: "priority -1", old: `"priority":50`, new: `"priority":-1`, fields: []string{"priority"}},
	{name: "at a place", old: `"priority":50`, new: `"priority":50,"position":"position 3"`},
	{name: "at the top", old: `"priority":50`, new: `"priority":50,"position":"top"`},
	{name: "pinned", old: `"priority":50`, new: `"priority":50,"position":"pinned 5","reinject":{"everyHours":24,"times":3}`},
	{name: "no position", old: `"priority":50`, new: `"priority":50,"position":""`, fields: []string{"position"}},
	{name: "position 0", old: `"priority":50`, new: `"priority":50,"position":"position 0"`, fields: []string{"position"}},
	{name: "position 101", old: `"priority":50`, new: `"priority":50,"position":"position 101"`, fields: []string{"position"}},
	{name: "position as a number", old: `"priority":50`, new: `"priority":50,"position":3`, fields: []string{"position"}},
	{name: "pinned without limits", old: `"priority":50`, new: `"priority":50,"position":"pinned 5"`, fields: []string{"reinject"}},
	{name: "limits without a pin", old: `"priority":50`, new: `"priority":50,"reinject":{"everyHours":24,"times":3}`, fields: []string{"reinject"}},
	{name: "half a limit", old: `"priority":50`, new: `"priority":50,"position":"pinned 5","reinject":{"times":3}`, fields: []string{"reinject.everyHours"}},
	{name: "limits with more", old: `"priority":50`, new: `"priority":50,"position":"pinned 5","reinject":{"everyHours":24,"times":3,"colour":1}`, fields: []string{"reinject.colour"}},
	{name: "too often", old: `"priority":50`, new: `"priority":50,"position":"pinned 5","reinject":{"everyHours":0,"times":3}`, fields: []string{"reinject"}},
	{name: "large template", old: `"size":1530`, new: `"size":4194305`, fields: []string{"template.size"}},
	{name: "template is a list", old: `"template":{`, new: `"template":[],"more":{`, fields: []string{"template", "more"}},
	{name: "template with more", old: `"size":1530`, new: `"size":1530,"rows":2`, fields: []string{"template.rows"}},
	{name: "template elsewhere", old: `"template-default.eml"`, new: `"../x.eml"`, fields: []string{"template.name"}},
	{name: "template is the manifest", old: `"template-default.eml"`, new: `"manifest.json"`, fields: []string{"template.name"}},
	{name: "hidden file", old: `"more.ndjson"`, new: `".ndjson"`, fields: []string{"recipients[1].name"}},
	{name: "one name twice", old: `"more.ndjson"`, new: `"recipients-00000.csv.zst"`, fields: []string{"recipients[1].name"}, beyondSchema: true},
	{name: "unknown form", old: `"more.ndjson"`, new: `"more.xlsx"`, fields: []string{"recipients[1].name"}},
	{name: "unknown compression", old: `"more.ndjson"`, new: `"more.ndjson.bz2"`, fields: []string{"recipients[1].name"}},
	{name: "sum in capitals", old: strings.Repeat("1b", 32), new: strings.Repeat("1B", 32), fields: []string{"recipients[0].sha256"}},
	{name: "short sum", old: strings.Repeat("1b", 32), new: strings.Repeat("1b", 31), fields: []string{"recipients[0].sha256"}},
	{name: "negative rows", old: `"rows":7`, new: `"rows":-7`, fields: []string{"recipients[0].rows"}},
	{name: "most rows", old: `"rows":7`, new: `"rows":1099511627776`},
	{name: "more rows", old: `"rows":7`, new: `"rows":1099511627777`, fields: []string{"recipients[0].rows"}},
	{name: "more rows together", old: `"rows":0`, new: `"rows":1099511627775`, fields: []string{"recipients"}, beyondSchema: true},
	{name: "negative size", old: `"size":10`, new: `"size":-10`, fields: []string{"recipients[0].size"}},
	{name: "a file is a string", old: `"recipients":[`, new: `"recipients":["x",`, fields: []string{"recipients[0]"}},
	{name: "recipients are an object", old: `"recipients":[`, new: `"recipients":{},"rest":[`, fields: []string{"recipients", "rest"}},
	{name: "everything", old: `{"format":1,`, new: `{"x":{"y":[]},`, fields: []string{"format", "x"}},
}

func (e edit) apply(t testing.TB, good string) string {
	t.Helper()
	if !strings.Contains(good, e.old) {
		t.Fatalf("%s: %q is not in %s", e.name, e.old, good)
	}
	return strings.Replace(good, e.old, e.new, 1)
}

func TestParseNamesEveryField(t *testing.T) {
	t.Parallel()
	for _, e := range edits {
		_, err := bundle.Parse([]byte(e.apply(t, encode(t, manifest()))))
		var got fault.Fields
		if err != nil && (!errors.As(err, &got) || !fault.Is(err, fault.Invalid)) {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		var names []string
		for _, f := range got {
			names = append(names, f.Field)
			if !strings.Contains(fault.Public(err), f.Field+": "+f.Detail) {
				t.Errorf("%s: %s is not in the text", e.name, f.Field)
			}
		}
		slices.Sort(names)
		want := slices.Sorted(slices.Values(e.fields))
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", e.name, diff)
		}
	}
}

func TestParseSaysAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := bundle.Parse([]byte(`{}`))
	var got fault.Fields
	if !errors.As(err, &got) || len(got) != 11 {
		t.Fatalf("%d errors: %v", len(got), err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := encode(t, manifest())
	for name, c := range map[string]struct {
		body string
		kind fault.Kind
		says string
	}{
		"nothing":       {"", fault.Invalid, "not JSON"},
		"half of it":    {good[:len(good)/2], fault.Invalid, "near octet"},
		"a tail":        {good + "{}", fault.Invalid, "behind"},
		"XML":           {"<manifest/>", fault.Invalid, "not JSON"},
		"a list":        {"[]", fault.Invalid, "must be an object"},
		"null":          {"null", fault.Invalid, "must be an object"},
		"a name twice":  {strings.Replace(good, `"version"`, `"format":1,"version"`, 1), fault.Invalid, `"format" twice`},
		"deep":          {strings.Repeat(`[`, 100), fault.Invalid, "nested"},
		"too large":     {strings.Repeat(" ", bundle.MaxManifest+1), fault.TooLarge, "octets"},
		"as large":      {good + strings.Repeat(" ", bundle.MaxManifest-len(good)), fault.Internal, ""},
		"10,001 files":  {files(t, bundle.MaxRecipients+1), fault.Invalid, "recipients: must have 1 to 10000 files"},
		"10,000 files":  {files(t, bundle.MaxRecipients), fault.Internal, ""},
		"no recipients": {files(t, 0), fault.Invalid, "recipients"},
	} {
		_, err := bundle.Parse([]byte(c.body))
		if c.kind == fault.Internal {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !fault.Is(err, c.kind) || !strings.Contains(fault.Public(err), c.says) {
			t.Errorf("%s: %v, want %s with %q", name, err, c.kind, c.says)
		}
	}
}

func files(t *testing.T, n int) string {
	m := manifest()
	m.Recipients = []bundle.RecipientsFile{}
	for i := range n {
		m.Recipients = append(m.Recipients, bundle.RecipientsFile{Name: fmt.Sprintf("r%d.csv", i), SHA256: strings.Repeat("0", 64)})
	}
	return encode(t, m)
}

func schema(t *testing.T) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	raw, err := os.ReadFile("../../docs/bundle.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("bundle.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("bundle.json")
	if err != nil {
		t.Fatal(err)
	}
	return s, doc.(map[string]any)
}

// TestSchemaAgrees: what Parse takes the schema takes, and the other way round.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	s, _ := schema(t)
	for _, e := range edits {
		body := e.apply(t, encode(t, manifest()))
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		schemaErr := s.Validate(v)
		_, parseErr := bundle.Parse([]byte(body))
		if e.beyondSchema {
			schemaErr = parseErr
		}
		if (schemaErr == nil) != (parseErr == nil) {
			t.Errorf("%s: the schema says %v, Parse says %v", e.name, schemaErr, parseErr)
		}
	}
}

// TestSchemaHasEveryMember compares the names by the struct, so that a new member is not forgotten.
func TestSchemaHasEveryMember(t *testing.T) {
	t.Parallel()
	_, doc := schema(t)
	compareMembers(t, "the manifest", doc, reflect.TypeFor[bundle.Manifest]())
	properties := doc["properties"].(map[string]any)
	compareMembers(t, "template", properties["template"].(map[string]any), reflect.TypeFor[bundle.File]())
	items := properties["recipients"].(map[string]any)["items"].(map[string]any)
	compareMembers(t, "reinject", properties["reinject"].(map[string]any), reflect.TypeFor[campaign.Reinject]())
	compareMembers(t, "recipients", items, reflect.TypeFor[bundle.RecipientsFile]())
}

func compareMembers(t *testing.T, what string, schema map[string]any, typ reflect.Type) {
	t.Helper()
	var want, must, required, properties []string
	for i := range typ.NumField() {
		name, option, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		want = append(want, name)
		if option == "" {
			must = append(must, name)
		}
	}
	for _, r := range schema["required"].([]any) {
		required = append(required, r.(string))
	}
	for p := range schema["properties"].(map[string]any) {
		properties = append(properties, p)
	}
	if diff := cmp.Diff(must, required); diff != "" {
		t.Errorf("%s: required (-struct +schema):\n%s", what, diff)
	}
	slices.Sort(want)
	slices.Sort(properties)
	if diff := cmp.Diff(want, properties); diff != "" {
		t.Errorf("%s: properties (-struct +schema):\n%s", what, diff)
	}
}

// TestManualsExample: the example of the manual is a manifest.
func TestManualsExample(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../docs/bundle.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(manual)
	if example == nil {
		t.Fatal("the manual has no example")
	}
	m, err := bundle.Parse(example[1])
	if err != nil {
		t.Fatal(err)
	}
	if key := bundle.Key("p/q", m.Campaign, m.Version); key != "p/q/spring-2026/1/manifest.json" {
		t.Errorf("key %s", key)
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	m := manifest()
	for key, ok := range map[object.Key]bool{
		"spring-2026/3/manifest.json":      true,
		"a/b/spring-2026/3/manifest.json":  true,
		bundle.Key("", m.Campaign, 3):      true,
		bundle.Key("p/", m.Campaign, 3):    true,
		"x-spring-2026/3/manifest.json":    false,
		"spring-2026/03/manifest.json":     false,
		"spring-2026/4/manifest.json":      false,
		"spring-2026/3/manifest.json/x":    false,
		"a/../spring-2026/3/manifest.json": false,
		"":                                 false,
	} {
		if err := bundle.CheckKey(key, &m); (err == nil) != ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if got := bundle.Beside("a/1/manifest.json", "x"); got != "a/1/x" {
		t.Errorf("beside: %s", got)
	}
	if got := bundle.Beside("manifest.json", "x"); got != "x" {
		t.Errorf("beside: %s", got)
	}
}

// edit changes the text of a good manifest.
type edit struct {
	name, old, new string
	fields         []string // that must be named as wrong
	beyondSchema   bool     // a schema cannot say it
}
