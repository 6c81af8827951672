package api

import "time"

// Audience is a list of people with their variables, immutable once stored.
type Audience struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Columns  []string   `json:"columns" nullable:"false" doc:"Of the header row; the first is the person."`
	Rows     int64      `json:"rows" doc:"That were stored. Of two rows about one person the later one counts."`
	Rejected int64      `json:"rejected" doc:"Rows that were left out, with onError=skip."`
	Errors   []RowError `json:"errors,omitempty" doc:"The first 100 of them."`
	Size     int64      `json:"size" doc:"Octets as stored."`
	Created  time.Time  `json:"created"`
}

// RowError says what is wrong with a row.
type RowError struct {
	Line    int64  `json:"line" doc:"In the file, from 1, where the row begins."`
	Message string `json:"message"`
}

// OnError says what a row that is wrong does to an upload.
type OnError string

// The ways to deal with wrong rows.
const (
	OnErrorFail OnError = "fail" // nothing is stored
	OnErrorSkip OnError = "skip" // the row is left out and reported
)
