package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/cli"
	"inlay.example/inlay/internal/platform/client"
)

// platform is a demo that runs, and a directory with files for its commands.
type platform struct {
	dir         string
	env         map[string]string
	output, log *buffer
}

// startDemo runs a demo until the test ends.
func startDemo(t *testing.T, more ...string) *platform {
	t.Helper()
	log := &buffer{}
	p := &platform{dir: t.TempDir(), output: &buffer{}, log: log}
	signals, ended := make(chan os.Signal, 2), make(chan int, 1)
	args := append([]string{"demo", "--json", "--data", filepath.Join(p.dir, "data"), "--http", "127.0.0.1:0", "--imap", "127.0.0.1:0"}, more...)
	go func() {
		ended <- cli.Main(t.Context(), args,
			cli.IO{Out: p.output, Err: log, Getenv: func(string) string { return "" }, Signals: signals})
	}()
	limit := time.After(60 * time.Second)
	for again := time.NewTicker(5 * time.Millisecond); !strings.Contains(p.output.String(), "\n"); {
		select {
		case <-again.C:
		case code := <-ended:
			t.Fatalf("the demo ends with code %d:\n%s", code, log)
		case <-limit:
			t.Fatalf("the demo does not start:\n%s", log)
		}
	}
	t.Cleanup(func() {
		signals <- os.Interrupt
		if code := <-ended; code != cli.ExitOK {
			t.Errorf("the demo ends with code %d:\n%s", code, log)
		}
	})
	var ready struct{ HTTP, Token string }
	if err := json.Unmarshal([]byte(p.output.String()), &ready); err != nil {
		t.Fatalf("the demo says %q: %v", p.output, err)
	}
	p.env = map[string]string{"INLAY_SERVER": ready.HTTP, "INLAY_TOKEN": ready.Token}
	return p
}

// file writes a file, and returns its name.
func (p *platform) file(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(p.dir, name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// run runs a command for the demo. The directory of files is left out of what it says.
func (p *platform) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(t.Context(), args, cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(name string) string { return p.env[name] }})
	return out.String(), strings.ReplaceAll(errs.String(), p.dir+string(filepath.Separator), ""), code
}

// Whatever is wrong with a template or an audience is told with its file and place, and nothing
// of it stays at the platform.
func TestWhatIsSaidOfWrongFiles(t *testing.T) {
	t.Parallel()
	p := startDemo(t)
	const template = "From: a@demo.example\nSubject: Hello {{ first_name }}\n\nNothing.\n"
	const people = "user,first_name\nanna@demo.example,Anna\n"
	before, _, _ := p.run(t, "campaign", "list")
	for _, c := range []struct {
		name, template, audience string
		args                     []string
		want                     string
	}{
		{"an empty template", "", people, nil, "inlay: t.eml: the file is empty: a template begins with header fields, From and Subject at least"},
		{"no From", "Subject: x\n\nx\n", people, nil, "inlay: t.eml: the header field From is missing"},
		{
			"a wrong filter", "From: a@b.example\nSubject: x\n\n{{ first_name | upcse }}\n", people, nil,
			"inlay: the request cannot be carried out as it is\n  t.eml: the text part, line 4, column 17: unknown filter \"upcse\": upcase?",
		},
		{"an empty audience", template, "", nil, "inlay: a.csv: the file is empty: the first line must name the columns"},
		{"semicolons", template, "user;first_name\n", nil, `inlay: a.csv: the first line must name the columns, separated by commas; it begins with "user;first_name"`},
		{"one column twice", template, "user,a,a\n", nil, `inlay: a.csv: the header: column 3: "a" is there twice`},
		{"UTF-16", template, "\xff\xfeu\x00s\x00e\x00r\x00,\x00a\x00\n\x00", nil, "inlay: a.csv: the file is in UTF-16: save it as UTF-8"},
		{
			"wrong rows", template, "user,first_name\nanna@demo.example,Anna\nbram@demo.example\nchloe@demo.example,Chlo\xe9\n", nil,
			"inlay: the request cannot be carried out as it is\n  a.csv:3: 1 fields, and the header has 2\n  a.csv:4: not UTF-8\n" +
				"Nothing was stored. Correct these rows, or leave them out with --skip-bad-rows.",
		},
		{
			"a column is missing", template, "user,firstname\nanna@demo.example,Anna\n", nil,
			"inlay: the request cannot be carried out as it is\n  a.csv: has no column \"first_name\" (firstname?), " +
				"for which the template has no default (the header field Subject, line 2, column 19)",
		},
		{
			"too long", template, people,
			[]string{"--end", "+900d"},
			"inlay: the request cannot be carried out as it is\n  --end: must be at most 400 days after start",
		},
	} {
		args := append([]string{
			"campaign", "run", "--name", "Wrong",
			"--template", p.file(t, "t.eml", c.template), "--audience", p.file(t, "a.csv", c.audience),
		}, c.args...)
		out, errs, code := p.run(t, args...)
		var said []string // but for the progress
		for line := range strings.Lines(errs) {
			if strings.HasPrefix(line, "inlay: ") || len(said) > 0 {
				said = append(said, line)
			}
		}
		if got := strings.Join(said, ""); code != cli.ExitUsage || out != "" || got != c.want+"\n" {
			t.Errorf("%s: exit code %d, stdout %q, stderr\n%s\nwant\n%s", c.name, code, out, errs, c.want)
		}
	}
	if after, _, _ := p.run(t, "campaign", "list"); after != before {
		t.Errorf("the campaigns were\n%s\nand are\n%s", before, after)
	}
	c, err := client.New(client.Config{BaseURL: p.env["INLAY_SERVER"], Token: p.env["INLAY_TOKEN"]})
	if err != nil {
		t.Fatal(err)
	}
	templates, err := c.Templates(t.Context(), client.List{})
	if err != nil || len(templates.Items) != 1 {
		t.Errorf("%d templates, %v; the demo has one", len(templates.Items), err)
	}
	audiences, err := c.Audiences(t.Context(), client.List{})
	if err != nil || len(audiences.Items) != 1 {
		t.Errorf("%d audiences, %v; the demo has one", len(audiences.Items), err)
	}
}

// A wrong --backend is told before somebody looks for the reason in a mail client.
func TestADemoWarnsOfAMailServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	p := startDemo(t, "--backend", "127.0.0.1:1")
	const want = "inlay: --backend 127.0.0.1:1: the mail server cannot be reached. Nobody can log in until it answers"
	if got := p.log.String(); !strings.HasPrefix(got, want) {
		t.Errorf("it says %q, not %q", got, want)
	}
}
