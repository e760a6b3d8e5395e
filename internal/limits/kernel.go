package limits

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Kernel is a version of Linux.
type Kernel struct{ Major, Minor int }

// String returns k as "6.18".
func (k Kernel) String() string { return fmt.Sprintf("%d.%d", k.Major, k.Minor) }

// Before reports whether k is older than major.minor.
func (k Kernel) Before(major, minor int) bool {
	return k.Major < major || k.Major == major && k.Minor < minor
}

// runningKernel returns the version of the running kernel.
func runningKernel() (Kernel, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return Kernel{}, err
	}
	return parseKernel(unix.ByteSliceToString(name.Release[:]))
}

// parseKernel returns the version of a release such as "5.15.0-91-generic" or
// "6.18-rc3".
func parseKernel(release string) (k Kernel, err error) {
	if _, err := fmt.Sscanf(release, "%d.%d", &k.Major, &k.Minor); err != nil {
		return Kernel{}, fmt.Errorf("the kernel's release %q: %w", release, err)
	}
	return k, nil
}
