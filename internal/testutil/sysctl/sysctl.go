// Package sysctl lets tests change sysctls of the machine and restores them.
//
// Tests of several packages run at the same time, so whoever changes a sysctl
// locks its file until it is restored.
package sysctl

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Set sets the sysctl name ("kernel/task_delayacct") to value until t ends, and keeps
// other tests from setting it meanwhile. Where that is not allowed t is skipped.
func Set(t testing.TB, name, value string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join("/proc/sys", name), os.O_RDWR, 0)
	if err != nil {
		t.Skipf("the sysctl %s can't be set here: %v", name, err)
	}
	t.Cleanup(func() { f.Close() }) // and with it the lock; clean-ups run in reverse
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	old, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if string(bytes.TrimSpace(old)) == value {
		return
	}
	if _, err := f.WriteAt([]byte(value), 0); err != nil {
		t.Skipf("the sysctl %s can't be set here: %v", name, err)
	}
	t.Cleanup(func() {
		if _, err := f.WriteAt(old, 0); err != nil {
			t.Errorf("the sysctl %s could not be set back to %q: %v", name, old, err)
		}
	})
}
