package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"inlay.example/inlay/internal/fault"
)

// Limits of a file.
const (
	maxFile       = 128 << 10 // octets: the library compares each key with all others
	maxSecretFile = 8 << 10   // octets of a file with a secret
)

// Env is what of the environment a configuration depends on.
type Env struct {
	Getenv   func(string) string          // nil: nothing is set
	ReadFile func(string) ([]byte, error) // of secrets, limited; nil: the file system's
}

// Defaults returns what an empty file means. It is not complete: secrets have no defaults.
func Defaults() Config {
	var c Config
	for _, s := range settings(&c) {
		s.val.reset()
	}
	return c
}

// Load reads a file. NotFound or Denied when it cannot be read, else *Errors.
func Load(file string, env Env) (Config, error) {
	data, err := readLimited(file, maxFile)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Config{}, fault.New(fault.NotFound, "the configuration file %s does not exist", file)
	case errors.Is(err, os.ErrPermission):
		return Config{}, fault.New(fault.Denied, "the configuration file %s may not be read", file)
	case err != nil:
		return Config{}, fault.New(fault.Invalid, "reading the configuration file %s: %v", file, err)
	}
	return Parse(file, data, env)
}

func readLimited(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("it has more than %d octets", limit)
	}
	return data, err
}

// Parse reads a file's content; name is for messages. The error is *Errors.
func Parse(name string, data []byte, env Env) (Config, error) {
	var c Config
	r := newReader(name, settings(&c), env)
	if r.whole(data) {
		r.file(data)
		r.environment()
		r.together(&c)
	}
	return c, r.errs.result()
}

// reader puts a file's values into a configuration.
type reader struct {
	errs   *Errors
	env    Env
	list   []setting
	table  map[string]setting // the same, by key
	lines  map[string]int     // of the keys that are in the file
	given  map[string]int     // of those of them that have a value: a secret that is "" is none
	tables map[string]int     // of the tables' headers
	starts []uint32           // offsets at which the file's lines begin
}

// newReader returns a reader for a table of settings, all at their defaults.
func newReader(name string, list []setting, env Env) *reader {
	if env.ReadFile == nil {
		env.ReadFile = func(file string) ([]byte, error) { return readLimited(file, maxSecretFile) }
	}
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	r := &reader{
		errs: &Errors{File: name}, env: env, list: list,
		table: map[string]setting{}, lines: map[string]int{}, given: map[string]int{}, tables: map[string]int{},
	}
	for _, s := range list {
		s.val.reset()
		r.table[s.key] = s
	}
	return r
}

// whole looks at a file as a whole: size, syntax, keys given twice, tables defined twice. It
// reports whether there is something to be read.
func (r *reader) whole(data []byte) bool {
	if int64(len(data)) > maxFile {
		r.errs.add("", 1, "the file has more than %d octets", maxFile)
		return false
	}
	var any map[string]any
	err := toml.Unmarshal(data, &any)
	if err == nil {
		return true
	}
	line, message := 1, err.Error()
	var de *toml.DecodeError
	if errors.As(err, &de) {
		line, _ = de.Position()
	}
	r.errs.add("", line, "not valid TOML: %s", strings.TrimPrefix(message, "toml: "))
	return false
}

func (r *reader) file(data []byte) {
	r.starts = []uint32{0}
	for i, c := range data {
		if c == '\n' {
			r.starts = append(r.starts, uint32(i+1))
		}
	}
	var p unstable.Parser
	p.Reset(data)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			var line int
			table, line = r.keyOf("", e.Key())
			r.tables[table] = line
			switch {
			case e.Kind == unstable.ArrayTable:
				r.errs.add(table, line, "must be a table as [%s], not an array of tables", table)
			case !r.isTable(table):
				r.unknown(table, line, "table")
			}
		case unstable.KeyValue:
			r.keyValue(table, e)
		default: // comments
		}
	}
}

// keyOf joins the parts of a key behind the name of its table, and finds its line.
func (r *reader) keyOf(table string, it unstable.Iterator) (key string, line int) {
	key = table
	for it.Next() {
		if line == 0 {
			line = r.line(it.Node().Raw.Offset)
		}
		if key != "" {
			key += "."
		}
		key += string(it.Node().Data)
	}
	return key, line
}

// line is the line that an offset is in. (The parser would count them from the first each time.)
func (r *reader) line(offset uint32) int {
	i, found := slices.BinarySearch(r.starts, offset)
	if found {
		i++
	}
	return i
}

func (r *reader) keyValue(table string, e *unstable.Node) {
	key, line := r.keyOf(table, e.Key())
	if table != "" && !r.isTable(table) {
		return // the table is unknown, that was said
	}
	if e.Value().Kind == unstable.InlineTable && r.isTable(key) {
		r.tables[key] = line
		it := e.Value().Children()
		for it.Next() {
			if it.Node().Kind == unstable.KeyValue {
				r.keyValue(key, it.Node())
			}
		}
		return
	}
	r.lines[key] = line
	s, ok := r.table[key]
	if ok {
		if err := s.val.set(e.Value()); err != nil {
			r.errs.add(key, line, "%v", err)
		}
		if len(e.Value().Data) > 0 {
			r.given[key] = line
		}
		return
	}
	if base, ok := strings.CutSuffix(key, "-file"); ok {
		if s, ok := r.table[base]; ok {
			if sv, ok := s.val.(secretValue); ok {
				r.secretFile(key, line, base, sv, e.Value())
				return
			}
		}
	}
	if r.isTable(key) {
		r.errs.add(key, line, "must be a table, not %s", kindName(e.Value().Kind))
		return
	}
	r.unknown(key, line, "key")
}

// isTable reports whether settings are below this name.
func (r *reader) isTable(name string) bool {
	for key := range r.table {
		if strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

// unknown complains, and says what may have been meant.
func (r *reader) unknown(key string, line int, what string) {
	best, distance := "", 4
	for known := range r.table {
		candidates := []string{known}
		if what == "table" {
			candidates = nil
			for t := known; strings.Contains(t, "."); {
				t = t[:strings.LastIndexByte(t, '.')]
				candidates = append(candidates, t)
			}
		}
		for _, c := range candidates {
			if d := editDistance(key, c); d < distance || d == distance && distance < 4 && c < best {
				best, distance = c, d
			}
		}
	}
	if best == "" {
		r.errs.add(key, line, "unknown %s", what)
		return
	}
	r.errs.add(key, line, "unknown %s; did you mean %s?", what, best)
}

// editDistance counts the letters to be changed, put in or left out (Levenshtein), up to a
// distance that matters here.
func editDistance(a, b string) int {
	const far = 99
	if d := len(a) - len(b); d > 3 || d < -3 {
		return far
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
