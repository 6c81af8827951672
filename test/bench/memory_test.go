package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory is the proportional set size of a process and its children, in octets: resident
// memory with what is shared between processes (nginx's workers) counted once.
func memory(pid int) (int64, error) {
	children, err := tree()
	if err != nil {
		return 0, err
	}
	var total int64
	queue := []int{pid}
	for len(queue) > 0 {
		p := queue[0]
		queue = append(queue[1:], children[p]...)
		n, err := pss(p)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func pss(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no Pss in smaps_rollup of process %d", pid)
}

// tree is every process's children.
func tree() (map[int][]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	out := map[int][]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// "pid (name) state ppid …": the name may hold anything, so count from its end.
		s := string(text)
		end := strings.LastIndexByte(s, ')')
		if end < 0 || end+2 >= len(s) {
			continue
		}
		fields := strings.Fields(s[end+2:])
		pid, err1 := strconv.Atoi(strings.Fields(s)[0])
		parent, err2 := strconv.Atoi(fields[1])
		if err1 == nil && err2 == nil {
			out[parent] = append(out[parent], pid)
		}
	}
	return out, nil
}
