// Package deploy_test tests what is shipped for running the exporter.
package deploy_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// setting returns the value of a setting that a unit file has once.
func setting(t *testing.T, unit, name string) string {
	t.Helper()
	b, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			values = append(values, value)
		}
	}
	if len(values) != 1 {
		t.Fatalf("%s says %s= %d times", unit, name, len(values))
	}
	return values[0]
}

// A server whose unit says PrivateUsers=yes, as Debian's does, is a process of the
// exporter's user in another user namespace. The unit must not hide it.
func TestUnitSeesServerInUserNamespace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a procfs and to start processes of another user")
	}
	const uid = 4711
	server := exec.Command("sleep", "60")
	identity := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1 << 16}}
	server.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:                 syscall.CLONE_NEWUSER,
		UidMappings:                identity,
		GidMappings:                identity,
		GidMappingsEnableSetgroups: true,
		Credential:                 &syscall.Credential{Uid: uid, Gid: uid},
	}
	if err := server.Start(); err != nil {
		t.Skip("this kernel starts no process in a user namespace of its own: ", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // killed, as was asked for
	})

	// visible reports whether a process of the server's user and group sees it in a
	// procfs that is mounted as systemd does for this value of ProtectProc=.
	visible := func(protectProc string) bool {
		t.Helper()
		option := "hidepid=" + protectProc
		if protectProc == "default" {
			option = ""
		}
		// Below a directory that another user may enter.
		dir, err := os.MkdirTemp("/tmp", "redis_fork_exporter_proc_")
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(dir)
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		err = syscall.Mount("proc", dir, "proc", 0, option)
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) {
			t.Skipf("no procfs with %q can be mounted here: %v", option, err) // hidepid of one mount only: since Linux 5.8
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}()
		reader := exec.Command("cat", filepath.Join(dir, strconv.Itoa(server.Process.Pid), "status"))
		reader.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := reader.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return err == nil && strings.Contains(string(out), "Name:\tsleep")
	}
	if value := setting(t, "systemd/redis_fork_exporter.service", "ProtectProc"); !visible(value) {
		t.Errorf("the unit says ProtectProc=%s, which hides a server in a user namespace of its own", value)
	}
	if visible("invisible") {
		t.Error("ProtectProc=invisible hides no such server here, so this test proves nothing")
	}
}
