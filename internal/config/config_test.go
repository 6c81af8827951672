package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/config"
	"inlay.example/inlay/internal/fault"
)

const secret = "0123456789abcdef-secret"

// env has the secrets that all roles need.
func env() config.Env {
	vars := map[string]string{
		"INLAY_MIDDLEWARE_TOKEN": secret + "1", "INLAY_PLATFORM_TOKEN": secret + "2", "INLAY_MIDDLEWARE_DEFAULT_TENANT_SECRET": secret + "3",
	}
	return config.Env{
		Getenv: func(name string) string { return vars[name] },
		ReadFile: func(name string) ([]byte, error) {
			switch name {
			case "good":
				return []byte(secret + "4\n"), nil
			case "short":
				return []byte("short\n"), nil
			case "empty":
				return []byte("\n"), nil
			case "private":
				return nil, fs.ErrPermission
			}
			return nil, fs.ErrNotExist
		},
	}
}

// gatewayOnly needs no secrets.
const gatewayOnly = "roles = [\"gateway\"]\n"

func TestDefaultsParseToThemselves(t *testing.T) {
	t.Parallel()
	got, err := config.Parse("inlay.toml", config.PrintDefaults(), env())
	if err != nil {
		t.Fatal(err)
	}
	want := config.Defaults()
	want.Middleware.Token, want.Platform.Token = secret+"1", secret+"2"
	want.Middleware.DefaultTenant.Secret = secret + "3"
	want.Platform.TenantSecret = secret + "3" // of the tenant in this process
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// An empty file means the same.
	if got, err = config.Parse("inlay.toml", nil, env()); err != nil || !cmp.Equal(want, got) {
		t.Errorf("an empty file: %v\n%s", err, cmp.Diff(want, got))
	}
}

func TestDefaultsAreReadable(t *testing.T) {
	t.Parallel()
	for i, line := range strings.Split(string(config.PrintDefaults()), "\n") {
		if len(line) > 110 {
			t.Errorf("line %d has %d characters: %s", i+1, len(line), line)
		}
	}
}

func TestEveryWayToWriteAKey(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		gatewayOnly + "[gateway.backend]\naddr = \"a:1\"\n",
		gatewayOnly + "gateway.backend.addr = \"a:1\"\n",
		gatewayOnly + "[gateway]\nbackend = { addr = \"a:1\" }\n",
		gatewayOnly + "[gateway]\nbackend.addr = 'a:1' # a comment\n",
		gatewayOnly + "\"gateway\" = { backend = { \"addr\" = \"\"\"a:1\"\"\" } }\n",
	} {
		c, err := config.Parse("f", []byte(src), config.Env{})
		if err != nil || c.Gateway.Backend.Addr != "a:1" {
			t.Errorf("%q: %q, %v", src, c.Gateway.Backend.Addr, err)
		}
	}
}

// Each kind of mistake: its line, its key, and what is said about it.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ src, want string }{
		{"[log]\nlevel = \"info\"\nlevel = \"warn\"\n", "f:3: not valid TOML: "},
		{"[log\n", "f:1: not valid TOML: "},
		{"a = \"\xff\"\n", "f:1: not valid TOML: "},
		{gatewayOnly + "nosuch = 1\n", "f:2: nosuch: unknown key"},
		{gatewayOnly + "[log]\nlevl = \"info\"\n", "f:3: log.levl: unknown key; did you mean log.level?"},
		{gatewayOnly + "[gatway]\nimap = \":1\"\n", "f:2: gatway: unknown table; did you mean gateway?"},
		{gatewayOnly + "[[gateway]]\nimap = \":1\"\n", "f:2: gateway: must be a table as [gateway], not an array of tables"},
		{gatewayOnly + "gateway = 1\n", "f:2: gateway: must be a table, not an integer"},
		{gatewayOnly + "[log]\nlevel = { a = 1 }\n", "f:3: log.level: must be a string, not a table"},
		{gatewayOnly + "[log]\nlevel = 2026-01-01\n", "f:3: log.level: must be a string, not a date or time"},
		{gatewayOnly + "[log]\nlevel = \"loud\"\n", `f:3: log.level: must be one of "debug", "info", "warn", "error", not "loud"`},
		{gatewayOnly + "[gateway]\nrequire-tls = \"yes\"\n", "f:3: gateway.require-tls: must be true or false, not a string"},
		{gatewayOnly + "[gateway]\nimap = \"localhost\"\n", `f:3: gateway.imap: must be host:port, not "localhost"`},
		{gatewayOnly + "[gateway]\nimap = \"localhost:imap2\"\n", `f:3: gateway.imap: has port "imap2", which is not a number from 0 to 65535`},
		{gatewayOnly + "[gateway]\nimap = \":70000\"\n", `f:3: gateway.imap: has port "70000", which is not a number from 0 to 65535`},
		{gatewayOnly + "[gateway.backend]\naddr = \":143\"\n", "f:3: gateway.backend.addr: must name a host, not only a port"},
		{gatewayOnly + "[gateway.backend]\naddr = \"mail:0\"\n", "f:3: gateway.backend.addr: must name a port from 1 to 65535"},
		{gatewayOnly + "[gateway]\nlease = \"10\"\n", `f:3: gateway.lease: must be a duration as "150ms", "2s" or "1h30m", not "10"`},
		{gatewayOnly + "[gateway]\nlease = \"2m\"\n", `f:3: gateway.lease: must be between 1s and 1m, not "2m"`},
		{gatewayOnly + "[gateway]\nlease = 10\n", "f:3: gateway.lease: must be a string, not an integer"},
		{gatewayOnly + "[gateway]\ndomain = \"no spaces.example\"\n", `f:3: gateway.domain: must be a domain as "mail.example", not "no spaces.example"`},
		{gatewayOnly + "[gateway]\ntenant = \"a/b\"\n", `f:3: gateway.tenant: must be 1 to 64 letters`},
		{gatewayOnly + "[middleware]\nimport-error-ratio = 2\n", "f:3: middleware.import-error-ratio: must be between 0 and 1, not 2"},
		{gatewayOnly + "[middleware]\nimport-error-ratio = nan\n", "f:3: middleware.import-error-ratio: must be between 0 and 1, not nan"},
		{gatewayOnly + "[middleware]\nimport-error-ratio = \"half\"\n", "f:3: middleware.import-error-ratio: must be a number, not a string"},
		{gatewayOnly + "[gateway]\nmax-connections-per-address = -1\n", "f:3: gateway.max-connections-per-address: must be between 0 and 1000000, not -1"},
		{gatewayOnly + "[gateway]\nmax-connections-per-address = 1_000_001\n", "f:3: gateway.max-connections-per-address: must be between 0 and 1000000, not 1_000_001"},
		{gatewayOnly + "[gateway]\nmax-connections-per-address = 99999999999999999999\n", "f:3: not valid TOML: "},
		{gatewayOnly + "[gateway]\nmax-connections-per-address = 1.5\n", "f:3: gateway.max-connections-per-address: must be an integer, not a float"},
		{"roles = \"gateway\"\n", "f:1: roles: must be an array of strings, not a string"},
		{"roles = []\n", "f:1: roles: must name at least one role"},
		{"roles = [1]\n", "f:1: roles: must be an array of strings, and has an integer"},
		{"roles = [\"gateway\", \"postman\"]\n", `f:1: roles: must have only "gateway", "middleware" and "platform", not "postman"`},
		{"roles = [\"gateway\", \"gateway\"]\n", `f:1: roles: has "gateway" twice`},
		// What depends on more than one setting.
		{gatewayOnly + "[gateway]\nimap = \"\"\n", "f:3: gateway.imap: is empty, and so is gateway.imaps"},
		{gatewayOnly + "[gateway]\nimaps = \":993\"\n", "f:3: gateway.imaps: needs gateway.tls-cert and gateway.tls-key"},
		{gatewayOnly + "[gateway]\ntls-cert = \"c\"\n", "f:2: gateway.tls-key: is required, since gateway.tls-cert is given"},
		{gatewayOnly + "[http]\ntls-key = \"c\"\n", "f:2: http.tls-cert: is required, since http.tls-key is given"},
		{gatewayOnly + "[gateway.backend]\nca = \"ca.pem\"\n", `f:3: gateway.backend.ca: has no effect while gateway.backend.tls is "none"`},
		{gatewayOnly + "[gateway.middleware]\nurl = \"mim:8480\"\n", "f:3: gateway.middleware.url: must be http[s]://host[:port][/path]"},
		{gatewayOnly + "[gateway.middleware]\nurl = \"http://mim:8480\"\n", "f:2: gateway.middleware.token: is required, since gateway.middleware.url is given"},
		{gatewayOnly + "[gateway.middleware]\ntoken = \"" + secret + "\"\n", "f:3: gateway.middleware.token: has no effect without gateway.middleware.url"},
		{gatewayOnly + "[http]\nlisten = \"127.0.0.1:1143\"\n", "f:1: gateway.imap: is the address of http.listen, too"},
		{"roles = [\"platform\"]\n", "f:1: platform.middleware.url: is required: the role middleware does not run in this process"},
		{"roles = [\"middleware\"]\n[store.sqlite]\ndir = \"\"\n", "f:3: store.sqlite.dir: must not be empty"},
		{"[platform]\nprefix = \"platform\"\n", `f:2: platform.prefix: must not be "platform"`},
		// Secrets.
		{"[middleware]\ntoken = \"short\"\n", "f:2: middleware.token: must have at least 16 characters"},
		{"[middleware]\ntoken = \"" + secret + "\"\n", "f:2: middleware.token: is given, and so is INLAY_MIDDLEWARE_TOKEN in the environment: give one"},
		{"[middleware]\ntoken-file = \"good\"\n", "f:2: middleware.token: is given, and so is INLAY_MIDDLEWARE_TOKEN in the environment: give one"},
		{"[gateway.middleware]\ntoken-file = \"good\"\ntoken = \"" + secret + "\"\nurl = \"http://m\"\n", "f:3: gateway.middleware.token: is given, and so is gateway.middleware.token-file: give one"},
		{"[gateway.middleware]\ntoken-file = \"nowhere\"\n", `f:2: gateway.middleware.token-file: the file "nowhere" does not exist`},
		{"[gateway.middleware]\ntoken-file = \"private\"\n", `f:2: gateway.middleware.token-file: the file "private" may not be read`},
		{"[gateway.middleware]\ntoken-file = \"empty\"\n", `f:2: gateway.middleware.token-file: the file "empty" is empty`},
		{"[gateway.middleware]\ntoken-file = \"short\"\n", `f:2: gateway.middleware.token-file: the secret in "short" must have at least 16 characters`},
		{"[gateway.middleware]\ntoken-file = 1\n", "f:2: gateway.middleware.token-file: must be a string, not an integer"},
		{"[log]\nlevel-file = \"good\"\n", "f:2: log.level-file: unknown key"},
	} {
		_, err := config.Parse("f", []byte(c.src), env())
		var errs *config.Errors
		if !errors.As(err, &errs) || !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is taken: %v", c.src, err)
			continue
		}
		found := false
		for _, line := range strings.Split(err.Error(), "\n") {
			found = found || strings.HasPrefix(line, c.want)
		}
		if !found {
			t.Errorf("%q\n got: %s\nwant: %s", c.src, err, c.want)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error shows a secret: %s", c.src, err)
		}
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	src := gatewayOnly + "[log]\nlevel = \"loud\"\nformat = 1\ncolour = true\n[gateway]\nlease = \"1h\"\nimap = \"x\"\n"
	_, err := config.Parse("f", []byte(src), config.Env{})
	var got []string
	for _, line := range strings.Split(fmt.Sprint(err), "\n") {
		got = append(got, strings.Join(strings.SplitN(line, ": ", 3)[:2], " "))
	}
	want := []string{"f:3 log.level", "f:4 log.format", "f:5 log.colour", "f:7 gateway.lease", "f:8 gateway.imap"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What is wrong with one thing is not told again as something else that is missing.
func TestNothingIsToldTwice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, want string }{
		{
			"roles = [\"gateway\", \"midleware\"]\n",
			`f:1: roles: must have only "gateway", "middleware" and "platform", not "midleware"`,
		},
		{
			"roles = [\"middleware\"]\n[middleware]\ntoken-file = \"nothing\"\n",
			`f:3: middleware.token-file: the file "nothing" does not exist`,
		},
		{
			"roles = [\"middleware\"]\n[middleware]\ntoken = \"short\"\n",
			`f:3: middleware.token: must have at least 16 characters`,
		},
		{
			gatewayOnly + "[gateway.middleware]\nurl = \"http://mim:8480\"\ntoken-file = \"nothing\"\n",
			`f:4: gateway.middleware.token-file: the file "nothing" does not exist`,
		},
	} {
		if _, err := config.Parse("f", []byte(c.file), config.Env{ReadFile: env().ReadFile}); err == nil || err.Error() != c.want {
			t.Errorf("%s%v\nwant\n%s", c.file, err, c.want)
		}
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("f", []byte("[gateway.middleware]\ntoken = \"\"\ntoken-file = \"good\"\nurl = \"https://m.example\"\n"), env())
	if err != nil || c.Gateway.Middleware.Token != secret+"4" {
		t.Errorf("%q, %v", c.Gateway.Middleware.Token, err)
	}
	if got := len(c.Secrets()); got != 5 {
		t.Errorf("%d secrets to be kept out of logs", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	big := gatewayOnly + "#" + strings.Repeat("x", 128<<10-len(gatewayOnly)-2) + "\n"
	if _, err := config.Parse("f", []byte(big), config.Env{}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := config.Parse("f", []byte(big+"\n"), config.Env{}); err == nil {
		t.Error("one past the limit is taken")
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "inlay.toml")
	if _, err := config.Load(file, env()); !fault.Is(err, fault.NotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := config.Load(dir, env()); !fault.Is(err, fault.Invalid) {
		t.Errorf("a directory: %v", err)
	}
	token := filepath.Join(dir, "token")
	for name, body := range map[string]string{
		token: secret + "\n", file: gatewayOnly + "[gateway.middleware]\nurl = \"http://m\"\ntoken-file = '" + token + "'\n",
	} {
		if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := config.Load(file, config.Env{}); err != nil || c.Gateway.Middleware.Token != secret {
		t.Errorf("%q, %v", c.Gateway.Middleware.Token, err)
	}
	client := filepath.Join(dir, "cli.toml")
	if c, err := config.LoadClient(client, false); err != nil || c != (config.Client{}) {
		t.Errorf("a file that need not be there: %+v, %v", c, err)
	}
	if err := os.WriteFile(client, []byte("server = 'http://p'\ntoken-file = '"+token+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := config.LoadClient(client, true); err != nil || c != (config.Client{Server: "http://p", Token: secret}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestMakeNamesWhatItWasGiven(t *testing.T) {
	t.Parallel()
	_, err := config.Make([]config.Role{config.Gateway}, []config.Value{
		{Key: "gateway.imap", Name: "--imap", Text: "x"},
		{Key: "gateway.imaps", Name: "--imaps", Text: ":993"},
		{Key: "gateway.tls-cert", Name: "--tls-cert", Text: ""},
		{Key: "gateway.tls-key", Name: "--tls-key", Text: ""},
	})
	want := "--imap: must be host:port, not \"x\"\n--imaps: needs --tls-cert and --tls-key"
	if fmt.Sprint(err) != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

// Whatever a file holds, it is taken or its mistakes are told, each within the file.
func FuzzParse(f *testing.F) {
	f.Add(config.PrintDefaults())
	for _, s := range []string{
		"", gatewayOnly, "[gateway]\nbackend = { addr = \"a:1\", tls = 'none' }", "a.b.c = [1, [2], {x = 3}]", "[[gateway.backend]]",
		"roles = [ # all\n \"gateway\", \n]", "middleware.token-file = \"f\"", "\"\" = 1", "x = 0x1F\ny = 07:32:00", "[log]\nlevel = '''\ninfo'''",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := config.Parse("f", data, env())
		if err == nil {
			return
		}
		var errs *config.Errors
		if !errors.As(err, &errs) || len(errs.List) == 0 {
			t.Fatalf("%v", err)
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, e := range errs.List {
			if e.Line < 1 || e.Line > lines || e.Message == "" {
				t.Errorf("%+v in a file of %d lines", e, lines)
			}
		}
	})
}
