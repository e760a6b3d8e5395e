package dashboards

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:generate go run ../internal/cmd/dashboards .

// FS holds every dashboard as NAME.json and Prometheus' and Alertmanager's files as
// NAME.yaml, at its root.
//
//go:embed *.json *.yaml
var FS embed.FS

// limits is the file that belongs to whoever uses the alerts.
const limits = "redis-fork-limits.yaml"

// Write writes all of FS into a directory, which it makes if need be, and returns
// the names of the files that it wrote. What is there is replaced, except for the
// limits of the alerts: they are the operator's, and are left alone.
func Write(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("directory of the dashboards: %w", err)
	}
	names, err := fs.Glob(FS, "*")
	if err != nil {
		return nil, err
	}
	var written []string
	for _, name := range names {
		content, err := FS.ReadFile(name)
		if err != nil {
			return written, err
		}
		flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if name == limits {
			flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
		}
		switch err := write(filepath.Join(dir, name), flags, content); {
		case name == limits && errors.Is(err, fs.ErrExist):
		case err != nil:
			return written, err
		default:
			written = append(written, name)
		}
	}
	return written, nil
}

func write(path string, flags int, content []byte) error {
	file, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}
