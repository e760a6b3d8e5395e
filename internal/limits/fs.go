package limits

import (
	"bytes"
	"errors"
	"fmt"
	iofs "io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// FS is this machine's procfs and sysfs.
type FS struct {
	proc, sys string // where they are mounted
}

// NewFS returns the file systems that are mounted at procfs and sysfs. It does not
// check them: proc.NewFS checks procfs, and without sysfs some limits are unknown.
func NewFS(procfs, sysfs string) FS { return FS{proc: procfs, sys: sysfs} }

// path returns the path of the file name of the process pid.
func (fs FS) path(pid int, name string) string {
	return filepath.Join(fs.proc, strconv.Itoa(pid), name)
}

// readFile returns the content of the file name of the process pid.
func (fs FS) readFile(pid int, name string) ([]byte, error) {
	path := fs.path(pid, name)
	b, err := os.ReadFile(path)
	return b, proc.Classify(path, err)
}

// none stands for no limit.
const none = math.MaxUint64

// readNumber returns the number in the file name of the directory dir. It returns
// none for the word "max" and for a file that does not exist.
func readNumber(dir, name string) (uint64, error) {
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, iofs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return 0, proc.Classify(path, err)
	}
	b = bytes.TrimSpace(b)
	if string(b) == "max" {
		return none, nil
	}
	n, err := parseNumber(b)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// parseNumber returns the decimal number that b is.
func parseNumber(b []byte) (uint64, error) { return strconv.ParseUint(string(b), 10, 64) }
