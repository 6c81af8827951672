package fault

import (
	"fmt"
	"strings"
)

// Field says what is wrong with one field of an input.
type Field struct {
	Name   string // as "template.id" or "dataSources[0].type"
	Detail string // may be shown, as Error.Public
}

// Fields are all that is wrong with an input that can be read otherwise. They are Invalid.
type Fields []Field

// Add notes one more.
func (f *Fields) Add(name, format string, args ...any) {
	*f = append(*f, Field{Name: name, Detail: fmt.Sprintf(format, args...)})
}

// Err returns nil when nothing was noted.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Error lists the fields on one line.
func (f Fields) Error() string {
	var b strings.Builder
	for i, field := range f {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", field.Name, field.Detail)
	}
	return b.String()
}

// Unwrap makes them Invalid for everybody who asks for the kind.
func (f Fields) Unwrap() error { return &Error{Kind: Invalid, Public: f.Error()} }
