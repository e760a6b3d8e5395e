package proc

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParseChildren(t *testing.T) {
	for text, want := range map[string][]int{
		"": {7}, string(fixture(t, "children/one")): {7, 17566}, "1 2 3 ": {7, 1, 2, 3}, "4194304 ": {7, 4194304},
	} {
		got, err := ParseChildren([]int{7}, []byte(text))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	// A pid that may go on is none.
	got, err := ParseChildren(nil, []byte("12 34"))
	wantErr(t, "cut short", err, ErrTruncated)
	if !slices.Equal(got, []int{12}) {
		t.Errorf("cut short: %v, want the whole ones", got)
	}
	for _, text := range []string{" ", "1  2 ", "-1 ", "0 ", "x", "99999999999 "} {
		if _, err := ParseChildren(nil, []byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func FuzzParseChildren(f *testing.F) {
	addFixtures(f, "children/*", uint(3))
	f.Add([]byte("1 22 333 "), uint(4))
	f.Add([]byte(""), uint(0))
	f.Fuzz(func(t *testing.T, b []byte, cut uint) {
		got, err := ParseChildren(nil, b)
		prefix, _ := ParseChildren(nil, b[:cut%uint(len(b)+1)])
		if len(prefix) > len(got) || !slices.Equal(prefix, got[:len(prefix)]) {
			t.Errorf("%q has %v, and %v when cut", b, got, prefix)
		}
		if err != nil {
			return
		}
		var want strings.Builder
		for _, pid := range got {
			want.WriteString(strconv.Itoa(pid) + " ")
		}
		if !strings.Contains(" "+string(b), " 0") && want.String() != string(b) {
			t.Errorf("%q was read as %v", b, got)
		}
	})
}
