// Package testutil and the packages below it are what tests of several packages
// share. Nothing but tests may import them.
//
// Tests have two tiers. With -short they need nothing but Go, and take seconds:
// what needs more, a real server or Prometheus, calls Real or Program, which skip
// it. Without -short what is missing fails a test: skipped it would look as if it
// had passed. Only rights that a machine may not grant (root, cgroups, sysctls)
// skip a test in both.
package testutil

import (
	"os"
	"os/exec"
	"testing"
)

// Real skips t with -short. It is for tests of real things, such as a server, a
// compiler, or seconds that pass; needs names them.
func Real(t testing.TB, needs string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs " + needs)
	}
}

// Program returns the path of a program that t needs, and skips t with -short.
// Without the program t fails, and names the Debian package that has it.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	Real(t, name)
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed: make deps, or apt-get install %s", name, debianPackage)
	}
	return path
}

// Root skips t unless it runs as root, who may become another user.
func Root(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
}
