package folder

import (
	"net/url"
	"path"
	"strings"

	"inlay.example/inlay/internal/object"
)

// maxName is where a part of a key is cut: a file name has at most 255 octets. The first
// pieces are folders whose names end in "+".
const maxName = 200

// name is the file of an object, relative to the root. The names of folders end in "," or
// "+", which escaping never leaves in a part, so that the keys "a" and "a/b" can both be there
// and no part is "." or "..".
func name(key object.Key) string {
	parts := strings.Split(string(key), "/")
	names := []string{objects}
	for i, p := range parts {
		n := strings.ReplaceAll(url.QueryEscape(p), "+", "%20")
		if strings.Trim(n, ".") == "" { // "..." is a key, and not a name that everybody takes for one
			n = strings.ReplaceAll(n, ".", "%2E")
		}
		for len(n) > maxName {
			names = append(names, n[:maxName]+"+")
			n = n[maxName:]
		}
		if i < len(parts)-1 {
			n += ","
		}
		names = append(names, n)
	}
	return path.Join(names...)
}

// keyOf is the inverse of name; a file that no key leads to is not ours.
func keyOf(file string) (object.Key, bool) {
	rel, ok := strings.CutPrefix(file, objects+"/")
	if !ok {
		return "", false
	}
	var b strings.Builder
	for n := range strings.SplitSeq(rel, "/") {
		end := ""
		switch {
		case strings.HasSuffix(n, "+"):
			n = n[:len(n)-1]
		case strings.HasSuffix(n, ","):
			n, end = n[:len(n)-1], "/"
		}
		b.WriteString(n + end)
	}
	k, err := url.QueryUnescape(b.String())
	key := object.Key(k)
	if err != nil || key.Validate() != nil || name(key) != file {
		return "", false
	}
	return key, true
}
