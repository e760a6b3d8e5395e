package proc

import (
	"errors"
	"fmt"
)

// ParseChildren appends the pids in b, the content of a children file, to dst and
// returns the longer slice. A file that ends inside a pid is ErrTruncated.
func ParseChildren(dst []int, b []byte) ([]int, error) {
	for len(b) > 0 {
		pid, rest, ok := number(b)
		if !ok || pid == 0 || pid > 1<<31 {
			return dst, errors.New("children: not a list of pids")
		}
		if len(rest) == 0 || rest[0] != ' ' {
			return dst, fmt.Errorf("children: %w", ErrTruncated)
		}
		dst, b = append(dst, int(pid)), rest[1:]
	}
	return dst, nil
}
