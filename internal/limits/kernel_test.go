package limits

import "testing"

func TestParseKernel(t *testing.T) {
	if got := (Kernel{6, 18}).String(); got != "6.18" {
		t.Errorf("6.18 is written %q", got)
	}
	for release, want := range map[string]Kernel{
		"5.15.0-91-generic": {5, 15}, "6.18-rc3": {6, 18}, "3.10.0-1160.el7.x86_64": {3, 10}, "6.18.44": {6, 18}, "7.0": {7, 0},
	} {
		if got, err := parseKernel(release); err != nil || got != want {
			t.Errorf("%q: %v, %v", release, got, err)
		}
	}
	for _, release := range []string{"", "6", "six.one", "6.", "6.x", "6-18"} {
		if got, err := parseKernel(release); err == nil || got != (Kernel{}) {
			t.Errorf("%q: %v, %v", release, got, err)
		}
	}
	if got, err := runningKernel(); err != nil || got.Major < 3 {
		t.Errorf("this machine: %v, %v", got, err)
	}
}

func TestKernelBefore(t *testing.T) {
	k := Kernel{5, 2}
	for than, want := range map[Kernel]bool{{5, 2}: false, {5, 1}: false, {4, 19}: false, {5, 3}: true, {6, 0}: true} {
		if got := k.Before(than.Major, than.Minor); got != want {
			t.Errorf("5.2 before %v: %v", than, got)
		}
	}
}
