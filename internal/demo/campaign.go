package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"

	"inlay.example/inlay/examples"
)

// CampaignName is the name of the demo's campaign.
const CampaignName = "Welcome to Inlay"

// Template is the source of the demo's campaign. It needs no variable.
func Template() ([]byte, error) {
	source, err := examples.Files.ReadFile("welcome.eml")
	if err != nil {
		return nil, fmt.Errorf("reading the demo's template: %w", err)
	}
	return source, nil
}

// Audience is an audience of these people, as CSV.
func Audience(people []Person) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write([]string{"user", "first_name", "city", "plan", "until"}); err != nil {
		return nil, err
	}
	for _, p := range people {
		if err := w.Write([]string{p.Login, p.FirstName, p.City, p.Plan, ""}); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
