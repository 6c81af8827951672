package api

import "time"

// Template is a message's source, compiled when it was stored. What was stored under a digest
// never changes; replacing the source makes a new version.
type Template struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Version   uint32            `json:"version" doc:"Of the source that is used by campaigns planned from now on, from 1."`
	Digest    string            `json:"digest" example:"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Size      int64             `json:"size" doc:"Octets of the source."`
	Subject   string            `json:"subject" doc:"As it stands in the source, with its variables."`
	Variables []Variable        `json:"variables" nullable:"false" doc:"What the source asks for, without user and email, which everybody has."`
	Versions  []TemplateVersion `json:"versions" nullable:"false" doc:"All versions, the oldest first."`
	Created   time.Time         `json:"created"`
	Updated   time.Time         `json:"updated"`
}

// Variable is a name that a template asks for.
type Variable struct {
	Name     string `json:"name"`
	Required bool   `json:"required" doc:"It has no default, so that audiences must have a column of this name."`
}

// TemplateVersion is one source of a template.
type TemplateVersion struct {
	Version uint32    `json:"version"`
	Digest  string    `json:"digest"`
	Size    int64     `json:"size"`
	Created time.Time `json:"created"`
}

// TemplateSource is a template to be stored, as JSON.
type TemplateSource struct {
	ID     string `json:"id,omitempty" pattern:"^[a-z0-9-]{1,64}$" doc:"Made from the name when absent."`
	Name   string `json:"name" minLength:"1" maxLength:"200"`
	Source string `json:"source" minLength:"1" doc:"The .eml: RFC 5322 headers, an empty line, the body. Lines may end in LF or CR LF."`
}

// Preview asks for a template rendered for one person.
type Preview struct {
	User      string            `json:"user,omitempty" maxLength:"320" doc:"Login name of the person; someone@example.org when absent."`
	Variables map[string]string `json:"variables,omitempty"`
	Version   uint32            `json:"version,omitempty" doc:"The current version when absent."`
}
