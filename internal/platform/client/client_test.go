package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/platform/client"
)

// to returns a client of a server that answers with h.
func to(t testing.TB, h http.HandlerFunc) *client.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := client.New(client.Config{BaseURL: srv.URL + "/prefix/", Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestNewRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "127.0.0.1:8080", "ftp://h", "http://", "http://u:p@h", "http://h?q=1", "http://h#f", "http://h\x01"} {
		if _, err := client.New(client.Config{BaseURL: url}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// Every status has the kind that its caller can act upon, and the problem is kept.
func TestProblemsBecomeFaults(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]fault.Kind{
		400: fault.Invalid, 401: fault.Unauthenticated, 403: fault.Denied, 404: fault.NotFound, 405: fault.Unsupported,
		409: fault.Conflict, 412: fault.Conflict, 413: fault.TooLarge, 415: fault.Unsupported, 422: fault.Invalid,
		429: fault.Unavailable, 500: fault.Internal, 501: fault.Unsupported, 502: fault.Unavailable, 503: fault.Unavailable, 504: fault.Unavailable,
	} {
		c := to(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, `{"detail":"no","errors":[{"location":"body.end","message":"too late"},{"message":"and more"}]}`)
		})
		_, _, err := c.Campaign(context.Background(), "c")
		if !fault.Is(err, kind) {
			t.Errorf("%d: %v is %v, want %v", status, err, fault.KindOf(err), kind)
		}
		p := client.ProblemOf(err)
		if p == nil || p.Status != status || len(p.Errors) != 2 {
			t.Fatalf("%d: problem %+v", status, p)
		}
		if want := "no: body.end: too late; and more"; p.Error() != want {
			t.Errorf("%d: %q, want %q", status, p.Error(), want)
		}
	}
}

// What is not the API's answer is Unavailable, whatever it looks like.
func TestWhatIsNotTheAPI(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"a page":            answer(200, "text/html", "<html>"),
		"an error page":     answer(404, "text/html", "<html>"),
		"a cut answer":      answer(200, "application/json", `{"id":`),
		"a problem, cut":    answer(422, "application/problem+json", `{"detail`),
		"an endless answer": answer(200, "application/json", strings.Repeat(" ", 17<<20)),
		"a redirect":        http.RedirectHandler("http://elsewhere.example/", http.StatusFound).ServeHTTP,
		"nothing":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		_, _, err := to(t, h).Campaign(context.Background(), "c")
		if !fault.Is(err, fault.Unavailable) || client.ProblemOf(err) != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if client.ProblemOf(errors.New("x")) != nil {
		t.Error("a problem of nothing")
	}
}

// The requests are those of the document: path, headers, query.
func TestRequests(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var got string
	c := to(t, func(w http.ResponseWriter, r *http.Request) {
		got = fmt.Sprintf("%s %s %s|%s|%s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get("If-Match"), r.Header.Get(api.HeaderIdempotencyKey))
		if r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("%s without the token", got)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	})
	for want, call := range map[string]func() error{
		"POST /prefix/api/v1/templates?name=a+b message/rfc822||k":     func() error { _, err := c.CreateTemplate(ctx, "a b", []byte("x"), "k"); return err },
		"PUT /prefix/api/v1/templates/t message/rfc822|\"3\"|":         func() error { _, err := c.ReplaceTemplate(ctx, "t", []byte("x"), `"3"`); return err },
		"GET /prefix/api/v1/audiences?cursor=c&limit=5 ||":             func() error { _, err := c.Audiences(ctx, client.List{Cursor: "c", Limit: 5}); return err },
		"POST /prefix/api/v1/campaigns application/json||k":            func() error { _, err := c.CreateCampaign(ctx, api.Plan{}, "k"); return err },
		"PATCH /prefix/api/v1/campaigns/a%2Fb application/json||":      func() error { _, err := c.PatchCampaign(ctx, "a/b", api.Patch{}, ""); return err },
		"DELETE /prefix/api/v1/campaigns/c ||":                         func() error { return c.DeleteCampaign(ctx, "c") },
		"DELETE /prefix/api/v1/templates/a%20b ||":                     func() error { return c.DeleteTemplate(ctx, "a b") },
		"DELETE /prefix/api/v1/audiences/a ||":                         func() error { return c.DeleteAudience(ctx, "a") },
		"POST /prefix/api/v1/campaigns/c/recall ||":                    func() error { _, err := c.Recall(ctx, "c"); return err },
		"GET /prefix/api/v1/campaigns/c/statistics ||":                 func() error { _, err := c.Statistics(ctx, "c"); return err },
		"POST /prefix/api/v1/audiences?name=n&onError=skip text/csv||": func() error { return upload(ctx, c, api.OnErrorSkip) },
		"POST /prefix/api/v1/audiences?name=n text/csv||":              func() error { return upload(ctx, c, "") },
	} {
		if err := call(); err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}

func upload(ctx context.Context, c *client.Client, e api.OnError) error {
	_, err := c.UploadAudience(ctx, client.Upload{Name: "n", Body: strings.NewReader("user\n"), OnError: e})
	return err
}

// Why there is no answer is said: a wrong port, or a certificate.
func TestWhyThereIsNoAnswer(t *testing.T) {
	t.Parallel()
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	own := httptest.NewUnstartedServer(http.NotFoundHandler())
	own.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // it complains of the client
	own.StartTLS()
	defer own.Close()
	for _, s := range []struct{ url, want string }{
		{nobody.URL, "the platform at " + nobody.URL + "/api/v1 does not answer: dial tcp " + nobody.Listener.Addr().String() + ": connect: connection refused"},
		{own.URL, "the certificate of the platform at " + own.URL + "/api/v1 is not trusted: x509: "},
	} {
		c, err := client.New(client.Config{BaseURL: s.url, Token: "token"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Campaigns(t.Context(), client.List{})
		if !fault.Is(err, fault.Unavailable) || !strings.HasPrefix(fault.Public(err), s.want) {
			t.Errorf("%v, want %s", err, s.want)
		}
	}
}
