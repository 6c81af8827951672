package app

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"inlay.example/inlay/internal/fault"
)

// Listen opens a TCP listener. key is the setting that the address is from, for messages.
// Conflict when somebody has the address, Denied when it may not be used, else Invalid.
func Listen(ctx context.Context, key, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		if who := holder(addr); who != "" {
			return nil, fault.Wrap(fault.Conflict, err, "%s: address %s is in use by %s", key, addr, who)
		}
		return nil, fault.Wrap(fault.Conflict, err, "%s: address %s is in use by another process", key, addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fault.Wrap(fault.Denied, err, "%s: address %s may not be listened on (ports below 1024 need a privilege)", key, addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fault.Wrap(fault.Invalid, err, "%s: address %s is not one of this machine", key, addr)
	}
	return nil, fault.Wrap(fault.Invalid, err, "%s: address %s cannot be listened on", key, addr)
}

// holder names the process that listens on the port of addr, as Linux tells it; empty when it
// does not, or the process is somebody else's.
func holder(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ""
	}
	inodes := listening(uint16(n))
	if len(inodes) == 0 {
		return ""
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		if err != nil || !inodes[target] {
			continue
		}
		pid := strings.Split(fd, "/")[2]
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			return "process " + pid
		}
		return strings.TrimSpace(string(name)) + " (process " + pid + ")"
	}
	return ""
}

// listening gives the sockets, as "socket:[inode]", that listen on a port.
func listening(port uint16) map[string]bool {
	const (
		local, state, inode = 1, 3, 9 // columns, see proc_pid_net(5)
		listen              = "0A"
	)
	out := map[string]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) <= inode || f[state] != listen {
				continue
			}
			_, hex, _ := strings.Cut(f[local], ":")
			if n, err := strconv.ParseUint(hex, 16, 16); err == nil && uint16(n) == port {
				out["socket:["+f[inode]+"]"] = true
			}
		}
	}
	return out
}
