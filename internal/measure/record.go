package measure

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// output is the file that a record goes to. It is made before there is a record,
// so that nobody measures for minutes and then can't write; and under another
// name, so that a file of an earlier measurement stays until there is a new one.
type output struct {
	path string // "" writes nothing
	tmp  *os.File
}

func newOutput(path string) (*output, error) {
	if path == "" {
		return &output{}, nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return nil, fmt.Errorf("making the output file: %w", err)
	}
	return &output{path, tmp}, nil
}

// write writes the record f, in the form in which /api/v1/forks serves it.
func (o *output) write(f fork.Record) error {
	if o.path == "" {
		return nil
	}
	b, err := json.Marshal(f)
	if err == nil {
		_, err = o.tmp.Write(append(b, '\n'))
	}
	if err == nil {
		err = o.tmp.Chmod(0o644) // it was made for its owner alone, and holds no secret
	}
	if err == nil {
		err = o.tmp.Close()
	}
	if err == nil {
		err = os.Rename(o.tmp.Name(), o.path)
	}
	if err != nil {
		return fmt.Errorf("writing the record: %w", err)
	}
	o.path = ""
	return nil
}

// discard removes what was not written.
func (o *output) discard() {
	if o.path != "" {
		_ = o.tmp.Close()
		_ = os.Remove(o.tmp.Name())
	}
}

// show draws a record from a file.
func show(o *Options) int {
	f, err := read(o.Show)
	if err == nil {
		err = o.Terminal.Print(Report(f, time.Now(), o.Terminal.Width(), o.Terminal.Color()))
	}
	if err != nil {
		o.Terminal.Say("measure: " + err.Error())
		return StatusMeasured
	}
	return status(&f)
}

// read returns the record in the file path: one of measure's own, or what
// /api/v1/forks/{id} or /api/v1/forks answered.
func read(path string) (fork.Record, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return fork.Record{}, err
	}
	var file struct {
		fork.Record
		Forks []fork.Record `json:"forks"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return fork.Record{}, fmt.Errorf("%s is no record of a fork: %w", path, err)
	}
	switch {
	case len(file.Forks) == 1:
		return file.Forks[0], nil
	case len(file.Forks) > 1:
		return fork.Record{}, fmt.Errorf("%s holds %d forks: take one of them, as /api/v1/forks/{id} serves it", path, len(file.Forks))
	case file.Record.ID == "" || file.Start.IsZero():
		return fork.Record{}, errors.New(path + " is no record of a fork: it has no id or no start")
	}
	return file.Record, nil
}
