package cli_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/cli"
	"inlay.example/inlay/internal/config"
)

var update = flag.Bool("update", false, "write the pages that are made from the code anew")

// page compares a page of the documentation with what the code says, or writes it.
func page(t *testing.T, name, want string) {
	t.Helper()
	file := filepath.Join("..", "..", "docs", name)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("docs/%s is not what the code says (-page +code); go test ./internal/cli -update writes it:\n%s", name, diff)
	}
}

// run runs a command line and returns what it printed.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(t.Context(), args, cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(string) string { return "" }})
	return out.String(), errs.String(), code
}

// docs/cli.md is the help of every command, as it is printed.
func TestThePageOfCommandsIsTheirHelp(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# The command line

This page is what ` + "`inlay COMMAND --help`" + ` prints, and a test holds it to that. Standard output has what a command was
asked for, with ` + "`--json`" + ` as JSON; everything else is on standard error.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed, refused, or not there |
| 2 | the command line, a configuration or an input file is wrong |
| 3 | a server does not answer; trying again may help |
| 4 | the token is missing, wrong, or not allowed to |

The commands of ` + "`inlay campaign`" + ` find their platform by ` + "`--server`, then `INLAY_SERVER`" + `, then the key ` + "`server`" + ` of
` + "`inlay/cli.toml`" + ` in the user's configuration directory; the token likewise by ` + "`--token` or `--token-file`, `INLAY_TOKEN`" + `, and
the key ` + "`token` or `token-file`" + `. A token on the command line can be seen by everybody on the machine.
`)
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" || c.Hidden || c.Name() == "completion" {
			return // cobra's own
		}
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		out, errs, code := run(t, args...)
		if code != 0 || errs != "" || out == "" {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
		if c.Runnable() && c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s```\n", c.CommandPath(), out)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(cli.New(cli.IO{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Getenv: func(string) string { return "" }}))
	page(t, "cli.md", b.String())
}

// docs/configuration.md is the table of settings.
func TestThePageOfSettingsIsTheirTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# The configuration file

` + "`inlay serve -c inlay.toml`" + ` runs the roles that a file names. The file is [TOML](https://toml.io); ` + "`inlay config defaults`" + `
prints one with every setting, and ` + "`inlay config check FILE`" + ` tells everything that is wrong with one at once: unknown
keys, wrong types, impossible values, and what is missing, each with its key and line. A test holds this page to the
program's own table.

**Secrets** (tokens, and what signs) have at least 16 characters and come from exactly one place: the key itself, the
key with ` + "`-file`" + ` that names a file, or the environment. Two places are an error. Neither ` + "`config check`" + ` nor the log
shows them.

**Durations** are written as ` + "`\"150ms\"`, `\"10s\"` or `\"1h30m\"`" + `. **Paths** are relative to the working directory.

A file for one machine, with everything in one process:

` + "```toml" + `
[gateway]
imap = ":143"
domain = "provider.example"
[gateway.backend]
addr = "mail.internal:143"

[middleware]
token-file = "/etc/inlay/middleware.token"
[middleware.default-tenant]
secret-file = "/etc/inlay/tenant.secret"

[platform]
token-file = "/etc/inlay/platform.token"

[store.sqlite]
dir = "/var/lib/inlay/store"
[objects.folder]
dir = "/var/lib/inlay/objects"
` + "```" + `

| key | default | what it is for |
|---|---|---|
`)
	for _, s := range config.Reference() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", s.Key, s.Default, s.Doc)
	}
	b.WriteString("\n## From the environment\n\n")
	for _, name := range config.EnvNames() {
		fmt.Fprintf(&b, "- `%s`\n", name)
	}
	page(t, "configuration.md", b.String())
}
