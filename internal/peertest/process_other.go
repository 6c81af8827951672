//go:build !linux

package peertest

import "os/exec"

// dieWithParent is Linux's alone; elsewhere a test that is killed leaves its children behind.
func dieWithParent(*exec.Cmd) {}

// apart is Linux's alone; elsewhere such a peer takes its group with it.
func apart(*exec.Cmd) {}

// runAs is Linux's alone; elsewhere a peer changes its account itself.
func runAs(*exec.Cmd, account) {}
