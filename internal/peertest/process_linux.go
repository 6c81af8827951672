package peertest

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when the test's process is gone, however it went.
func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
}
