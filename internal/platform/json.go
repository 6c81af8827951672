package platform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// maxDepth is how deep a body may be nested; none is deeper than three.
const maxDepth = 16

// unmarshal reads JSON as encoding/json does, but takes a body only for what it says: a member
// twice, or in another spelling than documented, may mean one thing here and another to whatever
// has looked at it before; and null, passed over, would seem to have taken something away.
func unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	return checkMembers(d, "", membersOf(v), 0)
}

// membersOf gives the names of the members of what v points to; nil: all are taken.
func membersOf(v any) (names []string) {
	t := reflect.TypeOf(v).Elem()
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// checkMembers reads one value. names are those that its members may have.
func checkMembers(d *json.Decoder, at string, names []string, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch {
	case t == nil && at != "":
		return fmt.Errorf("%s is null: leave out what there is not", at)
	case t != json.Delim('{') && t != json.Delim('['):
		return nil
	case depth == maxDepth:
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	seen := map[string]bool{}
	for n := 0; d.More(); n++ {
		inner := fmt.Sprintf("%s[%d]", at, n)
		if t == json.Delim('{') {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			inner = strings.TrimPrefix(at+"."+name, ".")
			switch {
			case seen[name]:
				return fmt.Errorf("%s is there twice", inner)
			case names != nil && !slices.Contains(names, name):
				return fmt.Errorf("%q is not known", inner)
			}
			seen[name] = true
		}
		if err := checkMembers(d, inner, nil, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
