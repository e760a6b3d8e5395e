package proc

import (
	"bytes"
	"strconv"
	"testing"
)

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"", "0", "007", "12 kB", "18446744073709551615", "18446744073709551616", "99999999999999999999", "-1", "x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		digits := len(b) - len(bytes.TrimLeft(b, "0123456789"))
		want, err := strconv.ParseUint(string(b[:digits]), 10, 64)
		n, rest, ok := number(b)
		if ok != (err == nil) {
			t.Fatalf("%q: ok is %t, strconv says %v", b, ok, err)
		}
		if ok && (n != want || !bytes.Equal(rest, b[digits:])) {
			t.Errorf("%q: %d and rest %q, want %d and %q", b, n, rest, want, b[digits:])
		}
	})
}
