package fault

import (
	"fmt"
	"strings"
)

// Field says what is wrong with one field of an input.
type Field struct {
	Field  string `json:"field"` // as "dataSources[0].type"
	Detail string `json:"detail"`
}

// Fields is everything that is wrong with an input that is well-formed otherwise. It is
// Invalid for everybody who asks for the kind; edges may show it field by field.
type Fields []Field

// Add notes one more.
func (f *Fields) Add(field, format string, args ...any) {
	*f = append(*f, Field{Field: field, Detail: fmt.Sprintf(format, args...)})
}

// Error gives all fields on one line.
func (f Fields) Error() string {
	var b strings.Builder
	for i, e := range f {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(e.Field + ": " + e.Detail)
	}
	return b.String()
}

// Unwrap makes it Invalid.
func (f Fields) Unwrap() error { return &Error{Kind: Invalid, Public: f.Error()} }

// Err returns f, or nil when nothing is wrong.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
