package words_test

import (
	"math"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

func TestBytes(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 4096: "4.10 kB", 999_499: "999 kB", 999_500: "1.00 MB",
		33_150_000: "33.1 MB", 812_400_000: "812 MB", 1_415_499_776: "1.42 GB", 25e12: "25.0 TB", math.MaxUint64: "18446744 TB",
	} {
		if got := words.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0 bytes", 1: "1 byte", 1234: "1,234 bytes", 1234567: "1,234,567 bytes"} {
		if got := words.ExactBytes(n); got != want {
			t.Errorf("ExactBytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for _, c := range []struct {
		s    float64
		want string
	}{
		{0, "0 s"},
		{-1, "0 s"},
		{math.NaN(), "0 s"},
		{math.Inf(1), "0 s"},
		{85e-6, "85.0 µs"},
		{0.0009996, "1.00 ms"},
		{0.0384, "38.4 ms"},
		{0.9996, "1.00 s"},
		{20.31, "20.3 s"},
		{59.94, "59.9 s"},
		{59.96, "1 min 00 s"},
		{200, "3 min 20 s"},
		{3599.6, "1 h 00 min"},
		{3900, "1 h 05 min"},
	} {
		if got := words.Seconds(c.s); got != c.want {
			t.Errorf("Seconds(%v) = %q, want %q", c.s, got, c.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole uint64
		want        string
	}{{1, 0, ""}, {0, 10, "0 %"}, {4, 1000, "0.4 %"}, {996, 10000, "10 %"}, {51, 100, "51 %"}, {133, 100, "133 %"}} {
		if got := words.Percent(c.part, c.whole); got != c.want {
			t.Errorf("Percent(%d, %d) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}
