package middleware

import (
	"fmt"
	"regexp"

	"inlay.example/inlay/internal/object"
)

// tenantConfig is what the middleware needs of a tenant's document. The document itself is
// kept as it was given, with fields that only others know.
type tenantConfig struct {
	ID            string
	Name          string
	KeyspaceName  string
	Configuration struct{ SecretKey string }
	DataSources   []dataSource
}

// dataSource is where bundles of a tenant are.
type dataSource struct {
	ID      string
	Type    string // sourceFolder, sourceOngage
	Default bool
	Prefix  string // of a folder: what precedes all keys
}

// The types of data sources.
const (
	sourceFolder = "folder" // under a prefix of the instance's own objects
	sourceOngage = "ongage" // a bucket of an S3 compatible store
)

var (
	tenantID     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	keyspaceName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_]{0,47}$`)
)

// Limits of a tenant's lists.
const (
	maxSources = 100
	maxPoints  = 100
)

// checkTenant reads a document of a tenant and names everything that is wrong with it.
func checkTenant(tree map[string]any) (tenantConfig, error) {
	var c checker
	var t tenantConfig
	t.ID = c.text(tree, "", "id")
	if t.ID != "" && !tenantID.MatchString(t.ID) {
		c.fail("id", "must be 1 to 64 of letters, digits, '.', '_' and '-', and start with a letter or digit")
	}
	t.Name = c.optional(tree, "", "name")
	t.KeyspaceName = c.text(tree, "", "keyspaceName")
	if t.KeyspaceName != "" && !keyspaceName.MatchString(t.KeyspaceName) {
		c.fail("keyspaceName", "must be 1 to 48 of letters, digits and '_', and start with a letter or digit")
	}
	if conf := c.object(tree, "", "configuration"); conf != nil {
		t.Configuration.SecretKey = c.secret(conf, "configuration", "secretKey")
	}
	t.DataSources = c.sources(c.list(tree, "dataSources"), "dataSources")
	if points, ok := tree["conversionPoints"]; ok && points != nil {
		c.points(c.list(tree, "conversionPoints"), "conversionPoints")
	}
	return t, c.err()
}

func (c *checker) sources(list []any, path string) []dataSource {
	if len(list) > maxSources {
		c.fail(path, fmt.Sprintf("has more than %d entries", maxSources))
		return nil
	}
	var out []dataSource
	ids, defaults := map[string]bool{}, 0
	for i, e := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		o, ok := e.(map[string]any)
		if !ok {
			c.fail(at, "must be an object")
			continue
		}
		s := dataSource{ID: c.unique(o, at, ids), Type: c.text(o, at, "type"), Default: c.flag(o, at, "defaultDataSource")}
		c.flag(o, at, "deleteTemporaryImportFiles")
		if s.Default {
			defaults++
		}
		switch s.Type {
		case "":
		case sourceFolder:
			if info := c.object(o, at, "folderConnectionInformation"); info != nil {
				at += ".folderConnectionInformation"
				s.Prefix = c.text(info, at, "prefix")
				if err := object.Key(s.Prefix).Validate(); s.Prefix != "" && err != nil {
					c.fail(at+".prefix", "must be the beginning of an object key, without a final '/'")
				}
			}
		case sourceOngage:
			c.aws(c.object(o, at, "awsConnectionInformation"), at+".awsConnectionInformation")
		default:
			c.fail(at+".type", `must be "ongage" or "folder"`)
		}
		out = append(out, s)
	}
	if defaults != 1 && !c.failed(path) {
		c.fail(path, fmt.Sprintf("exactly one must have defaultDataSource true, not %d", defaults))
	}
	return out
}

func (c *checker) aws(info map[string]any, at string) {
	if info == nil {
		return
	}
	switch c.text(info, at, "authorizationType") {
	case "", "rados", "aws":
	default:
		c.fail(at+".authorizationType", `must be "rados" (Signature Version 2) or "aws" (Version 4)`)
	}
	c.text(info, at, "accessKey")
	c.secret(info, at, "secretKey")
	c.text(info, at, "endpoint")
	c.text(info, at, "bucket")
}

func (c *checker) points(list []any, path string) {
	if len(list) > maxPoints {
		c.fail(path, fmt.Sprintf("has more than %d entries", maxPoints))
		return
	}
	ids := map[string]bool{}
	for i, e := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		o, ok := e.(map[string]any)
		if !ok {
			c.fail(at, "must be an object")
			continue
		}
		c.unique(o, at, ids)
		switch c.text(o, at, "type") {
		case "", "ongage", "webhook":
		default:
			c.fail(at+".type", `must be "ongage" or "webhook"`)
		}
		c.text(o, at, "eventType")
		c.optional(o, at, "description")
		if info := c.object(o, at, "connectionInformation"); info != nil {
			c.text(info, at+".connectionInformation", "url")
		}
	}
}
