package config

import (
	"fmt"
	"slices"
	"strings"

	"inlay.example/inlay/internal/fault"
)

// Error is one thing that is wrong with a file.
type Error struct {
	Key     string `json:"key"`  // empty: the file as a whole
	Line    int    `json:"line"` // from 1; of what is missing, the line of its table or of "roles"
	Message string `json:"message"`
}

// Errors is everything that is wrong with a file, by line. It is fault.Invalid.
type Errors struct {
	File string
	List []Error
}

// Error gives one line for each, as compilers do: file:line: key: message.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, one := range e.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		if e.File != "" {
			fmt.Fprintf(&b, "%s:%d: ", e.File, one.Line)
		}
		if one.Key != "" {
			b.WriteString(one.Key + ": ")
		}
		b.WriteString(one.Message)
	}
	return b.String()
}

// Unwrap makes it Invalid.
func (e *Errors) Unwrap() error { return fault.New(fault.Invalid, "%s", e.Error()) }

// maxErrors is how many errors are told: a file with more is something else.
const maxErrors = 200

// add notes an error; a key is complained about once, for the first reason.
func (e *Errors) add(key string, line int, format string, args ...any) {
	if len(e.List) == maxErrors {
		return
	}
	if key != "" && slices.ContainsFunc(e.List, func(o Error) bool { return o.Key == key }) {
		return
	}
	e.List = append(e.List, Error{Key: key, Line: line, Message: fmt.Sprintf(format, args...)})
}

// result returns the errors sorted by line, or nil.
func (e *Errors) result() error {
	if len(e.List) == 0 {
		return nil
	}
	slices.SortStableFunc(e.List, func(a, b Error) int { return a.Line - b.Line })
	return e
}
