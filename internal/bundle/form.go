package bundle

import "strings"

// The forms of recipients' files.
const (
	formCSV    = "csv"
	formNDJSON = "ndjson"
)

// The compressions; none is "".
const (
	compressedGzip = "gz"
	compressedZstd = "zst"
)

// formOf tells from a file's name how it is to be read.
func formOf(name string) (form, compression string, ok bool) {
	for _, c := range [...]string{"", compressedGzip, compressedZstd} {
		bare := name
		if c != "" {
			if bare, ok = strings.CutSuffix(name, "."+c); !ok {
				continue
			}
		}
		for _, f := range [...]string{formCSV, formNDJSON} {
			if strings.HasSuffix(bare, "."+f) {
				return f, c, true
			}
		}
	}
	return "", "", false
}

// MaxColumnName is the greatest length of a variable's name in octets.
const MaxColumnName = 128

// columnName reports whether s can be a variable: what a template can ask for.
func columnName(s string) bool {
	if s == "" || len(s) > MaxColumnName {
		return false
	}
	if c := s[0]; c == '-' || c == '.' || '0' <= c && c <= '9' {
		return false
	}
	return only(s, fileNameSet)
}
