package importer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/object/folder"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
)

const template = "From: Offers <offers@example.org>\r\nSubject: Hello {{ first_name }}\r\n\r\n{{ offer | default: \"Nothing\" }} for {{ user }}\r\n"

// site is a keyspace and objects that importers work on.
type site struct {
	store.Keyspace
	objects object.Store
}

func newSite(t testing.TB) *site {
	t.Helper()
	st, err := sqlite.Open(context.Background(), sqlite.Config{Dir: t.TempDir()}, sqlite.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := st.CreateKeyspace(context.Background(), "k"); err != nil {
		t.Fatal(err)
	}
	ks, err := st.Keyspace(context.Background(), "k")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := folder.New(folder.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return &site{ks, objects}
}

func (s *site) importer(t testing.TB, change ...func(*importer.Config, *importer.Deps)) *importer.Importer {
	t.Helper()
	cfg := importer.Config{ErrorRatio: 0.1, Poll: 5 * time.Millisecond, Retry: time.Millisecond}
	deps := importer.Deps{Keyspace: s.Keyspace, Objects: s.objects, NormaliseUser: func(name string) (string, error) {
		return placement.NormaliseUser(name, "example.org")
	}}
	for _, c := range change {
		c(&cfg, &deps)
	}
	i, err := importer.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// run runs an importer until the test ends, or stop is called.
func run(t testing.TB, i *importer.Importer) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- i.Run(ctx) }()
	var stopped atomic.Bool
	stop = func() {
		if stopped.Swap(true) {
			return
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func status(t testing.TB, j importer.Job) importer.Status {
	t.Helper()
	var s importer.Status
	if err := json.Unmarshal(j.Body, &s); err != nil {
		t.Fatal(err)
	}
	if s.ID != j.ID {
		t.Errorf("job %s shows itself as %s", j.ID, s.ID)
	}
	return s
}

// eventually looks again and again until done. It gives up after two minutes: long enough for
// the longest import here on a machine that is busy with other things.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 2 min: %s", what)
		}
	}
}

// push accepts a push under an id.
func push(t testing.TB, i *importer.Importer, id string, key object.Key) importer.Status {
	t.Helper()
	j, err := i.Start(context.Background(), id, "digest of "+string(key), key)
	if err != nil {
		t.Fatal(err)
	}
	return status(t, j)
}

// ended waits for the end of a job.
func ended(t testing.TB, i *importer.Importer, id string) (s importer.Status) {
	t.Helper()
	eventually(t, "the end of "+id, func() bool {
		j, err := i.Job(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		s = status(t, j)
		return s.State == importer.Complete || s.State == importer.Failed
	})
	return s
}

func manifest(version int) bundle.Manifest {
	return bundle.Manifest{
		Format: bundle.Format, Campaign: "c", Version: campaign.Version(version), Name: "Spring", Class: campaign.Own, Mailbox: "INBOX",
		Start: time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC), End: time.Date(2026, 3, 27, 8, 0, 0, 0, time.UTC), Priority: version,
	}
}

// put writes a bundle by hand: what other programs write, and what they get wrong.
func (s *site) put(t testing.TB, m bundle.Manifest, template string, files ...string) object.Key {
	t.Helper()
	key := bundle.Key("p", m.Campaign, m.Version)
	m.Template = bundle.File{Name: "t.eml", Size: int64(len(template)), SHA256: sum([]byte(template))}
	s.object(t, bundle.Beside(key, "t.eml"), []byte(template))
	for n, f := range files {
		name, text, _ := strings.Cut(f, "\n")
		if name == "" {
			name = fmt.Sprintf("r%d.csv", n)
		}
		rows := strings.Count(strings.TrimSuffix(text, "\n"), "\n")
		if strings.HasSuffix(name, ".ndjson") {
			rows++
		}
		m.Recipients = append(m.Recipients, bundle.RecipientsFile{Name: name, Size: int64(len(text)), SHA256: sum([]byte(text)), Rows: int64(rows)})
		s.object(t, bundle.Beside(key, name), []byte(text))
	}
	s.manifest(t, key, m)
	return key
}

func (s *site) manifest(t testing.TB, key object.Key, m bundle.Manifest) {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	s.object(t, key, body)
}

func (s *site) object(t testing.TB, key object.Key, body []byte) {
	t.Helper()
	if _, err := s.objects.Put(context.Background(), key, bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
}

func (s *site) read(t testing.TB, key object.Key) string {
	t.Helper()
	r, _, err := s.objects.Get(context.Background(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// active is the campaign's document, or a zero one.
func (s *site) active(t testing.TB) (c campaign.Active) {
	t.Helper()
	doc, err := s.Get(context.Background(), "campaign", "c")
	if fault.Is(err, fault.NotFound) {
		return c
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc.Body, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// command changes the state of the campaign as commands do.
func (s *site) command(t testing.TB, state campaign.State) {
	t.Helper()
	doc, err := s.Get(context.Background(), "campaign", "c")
	if err != nil {
		t.Fatal(err)
	}
	c := s.active(t)
	c.State = state
	c.Revision++
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(context.Background(), "campaign", "c", doc.Rev, body); err != nil {
		t.Fatal(err)
	}
}

// rowOf is what a person is assigned by the version that counts: nil for nothing.
func (s *site) rowOf(t testing.TB, user string) map[string]string {
	t.Helper()
	p, err := s.Person(context.Background(), user, time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	version := s.active(t).Version
	for _, a := range p.Assignments {
		if a.Campaign == "c" && a.Version == version {
			if a.Variables == nil {
				return map[string]string{}
			}
			return a.Variables
		}
	}
	return nil
}

func (s *site) count(t testing.TB, version int) int64 {
	t.Helper()
	n, err := s.CountAssignments(context.Background(), "c", campaign.Version(version))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func digest(template string) string { return message.Digest([]byte(template)) }
