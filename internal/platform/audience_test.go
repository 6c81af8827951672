package platform_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/platform/client"
)

const csvType = "text/csv"

func TestAudience(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	s := serve(t, w.instance(t, nowhere).Handler())
	var seen int64
	body := "\xef\xbb\xbfEmail,code,\"first_name\"\r\nanna@example.org,1,\"Anna, or\r\nAnn\"\r\n\r\n  bert ,2,\"\"\"Bert\"\"\"\r\n"
	got, err := s.UploadAudience(ctx, client.Upload{
		Name: "People", Body: strings.NewReader(body), Progress: func(n int64) { seen = n },
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != 2 || got.Rejected != 0 || got.Size == 0 || !cmp.Equal(got.Columns, []string{"user", "code", "first_name"}) {
		t.Errorf("got %+v", got)
	}
	if seen != int64(len(body)) {
		t.Errorf("progress told %d of %d octets", seen, len(body))
	}
	again, err := s.Audience(ctx, got.ID)
	if err != nil || !cmp.Equal(got, again) {
		t.Errorf("read again: %+v, %v", again, err)
	}
	r, _, err := w.objects.Get(ctx, object.Key("platform/audiences/"+got.ID+".csv"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stored, err := io.ReadAll(r)
	if want := "user,code,first_name\nanna@example.org,1,\"Anna, or\nAnn\"\nbert,2,\"\"\"Bert\"\"\"\n"; err != nil || string(stored) != want {
		t.Errorf("stored %q, want %q, %v", stored, want, err)
	}
	page, err := s.Audiences(ctx, client.List{})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("listed: %+v, %v", page, err)
	}
	if _, err := s.Audience(ctx, "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an audience that is not there: %v", err)
	}
}

func TestAudiencesRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	s := serve(t, w.instance(t, nowhere).Handler())
	manyWrong := "user,a\n" + strings.Repeat("x\n", 250)
	for name, c := range map[string]struct {
		status   int
		query    string
		typ      string
		body     string
		location []string
	}{
		"no name":           {422, "?", csvType, "user\nanna\n", []string{"query.name"}},
		"another type":      {415, "?name=n", "application/json", "{}", nil},
		"another charset":   {415, "?name=n", "text/csv; charset=latin1", "user\nanna\n", nil},
		"an unknown way":    {422, "?name=n&onError=ignore", csvType, "user\nanna\n", []string{"query.onError"}},
		"empty":             {422, "?name=n", csvType, "", nil},
		"only lines' ends":  {422, "?name=n", csvType, "\r\n\n", nil},
		"no header":         {422, "?name=n", csvType, "anna,1\nbert,2\n", nil},
		"semicolons":        {422, "?name=n", csvType, "user;code\nanna;1\n", nil},
		"UTF-16":            {422, "?name=n", csvType, "\xff\xfeu\x00s\x00e\x00r\x00", nil},
		"a column twice":    {422, "?name=n", csvType, "user,a,a\nanna,1,2\n", nil},
		"no variable":       {422, "?name=n", csvType, "user,first name\nanna,1\n", nil},
		"a second user":     {422, "?name=n", csvType, "email,user\nanna,1\n", nil},
		"no rows":           {422, "?name=n", csvType, "user,a\n", nil},
		"wrong rows":        {422, "?name=n", csvType, "user,a\nanna,1\nbert\n,2\ncarl,\"x\"y\ndora,4,5\nemil,\xff\n", []string{"line 3", "line 4", "line 5", "line 6", "line 7"}},
		"an open quote":     {422, "?name=n", csvType, "user,a\nanna,\"1\nbert,2\n", []string{"line 2"}},
		"control character": {422, "?name=n", csvType, "user,a\nan\x01na,1\n", []string{"line 2"}},
		"a long name":       {422, "?name=n", csvType, "user,a\n" + strings.Repeat("x", 321) + ",1\n", []string{"line 2"}},
		"too many values":   {422, "?name=n", csvType, "user,a\nanna," + strings.Repeat("<", 12<<10) + "\n", []string{"line 2"}},
		"a line too long":   {422, "?name=n", csvType, "user,a\nanna," + strings.Repeat("x", 257<<10) + "\n", []string{"line 2"}},
		"only wrong rows":   {422, "?name=n&onError=skip", csvType, "user,a\nanna\n", []string{"line 2"}},
		"many wrong rows":   {422, "?name=n", csvType, manyWrong, []string{"line 2", "line 101"}},
	} {
		a := s.expect(c.status, "POST", api.Base+"/audiences"+c.query, c.body, "Content-Type", c.typ)
		for _, l := range c.location {
			if !a.has(l) {
				t.Errorf("%s: no item at %q: %s", name, l, a.text)
			}
		}
		if items, _ := a.json["errors"].([]any); len(items) > 100 {
			t.Errorf("%s: %d items", name, len(items))
		}
	}
	if a := s.expect(200, "GET", api.Base+"/audiences", ""); a.text != "{\"items\":[]}\n" {
		t.Errorf("something was stored: %s", a.text)
	}
	if left, err := w.objects.List(ctx, "platform/", "", 10); err != nil || len(left) != 0 {
		t.Errorf("objects are left: %+v, %v", left, err)
	}
}

func TestSkipWrongRows(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	got, err := s.UploadAudience(context.Background(), client.Upload{
		Name: "n", OnError: api.OnErrorSkip, Body: strings.NewReader("user,a\nanna,1\nbert\ncarl,3\n"),
	})
	if err != nil || got.Rows != 2 || got.Rejected != 1 || len(got.Errors) != 1 || got.Errors[0].Line != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A client is told which rows are wrong, with their lines, in the error itself.
func TestClientNamesWrongRows(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	_, err := s.UploadAudience(context.Background(), client.Upload{Name: "n", Body: strings.NewReader("user,a\nanna,1\nbert\n")})
	p := client.ProblemOf(err)
	if !fault.Is(err, fault.Invalid) || p == nil || len(p.Errors) != 1 || p.Errors[0].Location != "line 3" || !strings.Contains(err.Error(), "line 3: ") {
		t.Errorf("got %v, %+v", err, p)
	}
}

// An upload that breaks off stores nothing, and one that is refused early is still answered.
func TestUploadOfManyRows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	s := serve(t, w.instance(t, nowhere).Handler())
	rows := func(n int, end error) io.Reader {
		r, to := io.Pipe()
		go func() {
			_, _ = io.WriteString(to, "user,first_name\n")
			for i := range n {
				if _, err := fmt.Fprintf(to, "person-%d@example.org,Person %d\n", i, i); err != nil {
					return
				}
			}
			to.CloseWithError(end)
		}()
		return r
	}
	got, err := s.UploadAudience(ctx, client.Upload{Name: "n", Body: rows(50_000, nil)})
	if err != nil || got.Rows != 50_000 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.UploadAudience(ctx, client.Upload{Name: "n", Body: rows(50_000, io.ErrUnexpectedEOF)}); err == nil {
		t.Error("an upload that broke off succeeded")
	}
	eventually(t, "the broken upload leaves nothing", func() bool {
		left, err := w.objects.List(ctx, "platform/audiences/", "", 10)
		return err == nil && len(left) == 1
	})
}

// An audience is there as long as somebody needs it, and then gone, rows and all.
func TestDeleteAudience(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	s := serve(t, w.instance(t, nowhere).Handler())
	a := s.expect(201, "POST", api.Base+"/audiences?name=people", "user\nanna@example.org\n", "Content-Type", "text/csv")
	id, _ := a.json["id"].(string)
	path, rows := api.Base+"/audiences/"+id, object.Key("platform/audiences/"+id+".csv")
	if _, err := w.objects.Stat(ctx, rows); err != nil {
		t.Fatal(err)
	}
	s.expect(201, "POST", api.Base+"/campaigns", `{"id":"c","name":"n","class":"own","audience":"`+id+`"}`)
	if got := s.expect(409, "DELETE", path, ""); !strings.Contains(got.text, `\"c\"`) {
		t.Errorf("who needs it is not said: %s", got.text)
	}
	s.expect(200, "GET", path, "")
	s.expect(204, "DELETE", api.Base+"/campaigns/c", "")
	// Interrupted between rows and document, it can be repeated.
	if err := w.objects.Delete(ctx, rows); err != nil {
		t.Fatal(err)
	}
	s.expect(204, "DELETE", path, "")
	s.expect(404, "GET", path, "")
	s.expect(404, "DELETE", path, "")
}

// Under an idempotency key there is one list: the same again is no other one, and another one is
// not taken for it.
func TestAudienceUnderAKey(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	upload := func(status int, body string) string {
		t.Helper()
		a := s.expect(status, "POST", api.Base+"/audiences?name=people", body, "Content-Type", csvType, "Idempotency-Key", "k")
		id, _ := a.json["id"].(string)
		return id
	}
	id := upload(201, "user\nanna@example.org\n")
	if again := upload(201, "user\nanna@example.org\n"); again != id {
		t.Errorf("%q the second time, %q the first", again, id)
	}
	upload(409, "user\nben@example.org\n")
	upload(409, "user\nanna@example.org\nben@example.org\n")
	if a := s.expect(200, "GET", api.Base+"/audiences", ""); strings.Count(a.text, `"id"`) != 1 {
		t.Errorf("audiences: %s", a.text)
	}
}
