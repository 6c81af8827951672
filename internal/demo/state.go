package demo

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"inlay.example/inlay/internal/fault"
)

// State is what a demo keeps from one start to the next.
type State struct {
	Token       string `json:"token"`       // of the APIs
	Secret      string `json:"secret"`      // of the tenant
	UIDValidity uint32 `json:"uidValidity"` // of the mailboxes at the last start
}

const stateFile = "demo.json"

// LoadState reads the state in a directory, or makes both. It is Invalid when they cannot be
// made, or the directory holds something else.
func LoadState(dir string) (State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return State{}, fault.New(fault.Invalid, "--data: the directory cannot be made: %v", err)
	}
	file := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		if others, err := os.ReadDir(dir); err == nil && len(others) > 0 {
			return State{}, fault.New(fault.Invalid, "--data: %s has files in it and is not a demo's directory: give an empty one", dir)
		}
		s := State{Token: rand.Text(), Secret: rand.Text() + rand.Text()}
		return s, s.Save(dir)
	}
	if err != nil {
		return State{}, fault.New(fault.Invalid, "--data: %v", err)
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil || s.Token == "" || s.Secret == "" {
		return State{}, fault.New(fault.Invalid, "--data: %s is damaged: remove the directory, or give another one", file)
	}
	return s, nil
}

// Next gives a UIDVALIDITY that no start before had: the time, unless it went backwards.
func (s State) Next(now time.Time) State {
	s.UIDValidity = max(s.UIDValidity+1, uint32(now.Unix()))
	return s
}

// Save writes the state. It appears whole or not at all.
func (s State) Save(dir string) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, stateFile+".")
	if err != nil {
		return fault.New(fault.Invalid, "--data: the directory cannot be written: %v", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(body, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dir, stateFile))
	}
	if err != nil {
		return fault.New(fault.Invalid, "--data: the directory cannot be written: %v", err)
	}
	return nil
}
