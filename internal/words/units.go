package words

import (
	"math"
	"strconv"
)

// Bytes writes n in decimal units with three significant digits: "812 B",
// "4.10 kB", "33.2 MB", "1.42 GB". Decimal, because the axes are in MB and 1 MB
// is 10⁶ bytes; the binary units would need another name (MiB).
func Bytes(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10) + " B"
	}
	v := float64(n)
	for _, unit := range [...]string{"kB", "MB", "GB", "TB"} {
		v /= 1000
		// 999.5 rounds to 1000, which belongs to the next unit.
		if v < 999.5 || unit == "TB" {
			return three(v) + " " + unit
		}
	}
	return "" // not reached: TB takes the rest
}

// ExactBytes writes n digit by digit, for where the rounded form is not enough:
// "1,415,499,776 bytes".
func ExactBytes(n uint64) string {
	if n == 1 {
		return "1 byte"
	}
	return Count(n) + " bytes"
}

// Count writes n with a comma between groups of three digits.
func Count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural writes n things: one is the name of a single one, many that of several.
func Plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Seconds writes a duration given in seconds as people say it, with three
// significant digits below a minute: "850 µs", "38.4 ms", "20.3 s",
// "3 min 20 s", "1 h 05 min". Negative and non-finite values are "0 s".
func Seconds(s float64) string {
	switch {
	case !(s > 0) || math.IsInf(s, 0): // also NaN
		return "0 s"
	case s < 999.5e-6:
		return three(s*1e6) + " µs"
	case s < 999.5e-3:
		return three(s*1e3) + " ms"
	case s < 59.95:
		return three(s) + " s"
	case s < 3599.5:
		n := int64(math.Round(s))
		return strconv.FormatInt(n/60, 10) + " min " + pad2(n%60) + " s"
	}
	n := int64(math.Round(s / 60))
	return strconv.FormatInt(n/60, 10) + " h " + pad2(n%60) + " min"
}

// Percent writes part of whole: "0.4 %", "51 %", "133 %"; "" when whole is 0.
func Percent(part, whole uint64) string {
	if whole == 0 {
		return ""
	}
	p := 100 * float64(part) / float64(whole)
	if p > 0 && p < 9.95 {
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}

// three writes a v from 0 up to 1000 with three significant digits.
func three(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

func pad2(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}
