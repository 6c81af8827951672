package demo

import (
	"bytes"
	_ "embed"
	"encoding/csv"
)

//go:embed campaign/welcome.eml
var welcome []byte

// CampaignName is the name of the demo's campaign.
const CampaignName = "Welcome to Inlay"

// Template is the source of the demo's campaign. It needs no variable.
func Template() []byte { return bytes.Clone(welcome) }

// Audience is an audience of these people, as CSV.
func Audience(people []Person) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write([]string{"user", "first_name", "city"}); err != nil {
		return nil, err
	}
	for _, p := range people {
		if err := w.Write([]string{p.Login, p.FirstName, p.City}); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
