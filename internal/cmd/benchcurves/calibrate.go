package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// calibrateCommand makes this program measure page copies as an exporter would:
// in a process of its own with one processor, started when delays are accounted.
const calibrateCommand = "calibrate"

// cost is what one fault with a copy takes. It is measured by the clock, which
// goes on while others have the processor.
type cost struct {
	Fault  time.Duration // a write that faults
	Inside time.Duration // of Fault, inside the kernel's copy, as its delay accounting says
}

// calibrator is the calibrating process.
type calibrator struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

func newCalibrator() (*calibrator, error) {
	c := &calibrator{process: exec.Command("/proc/self/exe", calibrateCommand)}
	c.process.Stderr = os.Stderr
	c.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	var err error
	if c.in, err = c.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	return c, c.process.Start()
}

// measure copies so many pages.
func (c *calibrator) measure(pages int) (k cost, err error) {
	if _, err := fmt.Fprintln(c.in, pages); err != nil {
		return k, err
	}
	err = c.out.Decode(&k)
	return k, err
}

func (c *calibrator) close() error { return errors.Join(c.in.Close(), c.process.Wait()) }

// calibrate answers each number of pages on in with a cost on out.
func calibrate(in io.Reader, out io.Writer) error {
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	stats, err := taskstats.New()
	if err != nil {
		return err
	}
	defer stats.Close()
	lines := bufio.NewScanner(in)
	for answers := json.NewEncoder(out); lines.Scan(); {
		var pages int
		if _, err := fmt.Sscan(lines.Text(), &pages); err != nil {
			return err
		}
		file, err := memoryFile(pages)
		if err != nil {
			return err
		}
		k, err := measureCopies(file, pages, stats)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
		if err := answers.Encode(k); err != nil {
			return err
		}
	}
	return lines.Err()
}

// memoryFile is a file in memory, of so many pages.
func memoryFile(pages int) (*os.File, error) {
	f, err := os.CreateTemp("/dev/shm", "benchcurves-")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name())
	for page := make([]byte, os.Getpagesize()); pages > 0 && err == nil; pages-- {
		page[0] = byte(pages)
		_, err = f.Write(page)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// measureCopies maps the file privately, reads its pages and writes to each: each
// of the writes is a fault in which the kernel copies a page, as the server's are.
func measureCopies(file *os.File, pages int, stats *taskstats.Client) (k cost, err error) {
	size := os.Getpagesize()
	memory, err := syscall.Mmap(int(file.Fd()), 0, pages*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
	if err != nil {
		return k, fmt.Errorf("map memory: %w", err)
	}
	defer func() { err = errors.Join(err, syscall.Munmap(memory)) }()
	sum := byte(0)
	for i := range pages {
		sum += memory[i*size]
	}
	runtime.KeepAlive(sum)
	before, err := stats.Thread(syscall.Gettid())
	if err != nil {
		return k, err
	}
	start := time.Now()
	for i := range pages {
		memory[i*size] = 1
	}
	took := time.Since(start)
	after, err := stats.Thread(syscall.Gettid())
	if err != nil {
		return k, err
	}
	copied := taskstats.CountDelta(before.CopyCount, after.CopyCount)
	if copied != uint64(pages) {
		return k, fmt.Errorf("the kernel counts %d copies of %d pages", copied, pages)
	}
	return cost{
		Fault:  took / time.Duration(pages),
		Inside: (after.CopyDelay - before.CopyDelay) / time.Duration(copied),
	}, nil
}
