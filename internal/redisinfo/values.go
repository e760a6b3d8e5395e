package redisinfo

import (
	"math"
	"unicode/utf8"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

const (
	maxToken = 64   // bytes; versions, modes and run ids are shorter
	maxText  = 4096 // bytes; a path is shorter
)

// first sets dst to v unless it has a value already.
func first[T any](dst *opt.Val[T], v opt.Val[T]) {
	if !dst.Present() {
		*dst = v
	}
}

// firstString sets dst to v unless it has a value already.
func firstString(dst *string, v string) {
	if *dst == "" {
		*dst = v
	}
}

// digits returns the number of the decimal digits that b is; false where it is
// anything else. strconv would want a string, which is a copy per field.
func digits(b []byte) (uint64, bool) {
	if len(b) == 0 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || n > math.MaxUint64/10 || n*10 > math.MaxUint64-d {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// integer returns the number that b is, if it is between lo and hi, which are not
// negative; anything else is absent.
func integer[T int | int64](b []byte, lo, hi T) opt.Val[T] {
	n, ok := digits(b)
	if !ok || n < uint64(lo) || n > uint64(hi) {
		return opt.Val[T]{}
	}
	return opt.Of(T(n))
}

// total returns the count or size that b is.
func total(b []byte) opt.Val[uint64] {
	n, ok := digits(b)
	if !ok {
		return opt.Val[uint64]{}
	}
	return opt.Of(n)
}

// seconds returns the whole seconds that b is; the servers' -1 for "idle" and "never"
// is absent.
func seconds(b []byte) opt.Val[int64] { return integer[int64](b, 0, math.MaxInt64) }

// flag returns true where b is yes, false where it is no; anything else is absent.
func flag(b []byte, yes, no string) opt.Val[bool] {
	switch string(b) {
	case yes:
		return opt.Of(true)
	case no:
		return opt.Of(false)
	}
	return opt.Val[bool]{}
}

// token returns b, a short printable ASCII word; "" where it is anything else. Such
// words become label values, which must not make a whole scrape invalid.
func token(b []byte) string {
	if len(b) > maxToken {
		return ""
	}
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return string(b)
}

// text returns b where it is UTF-8 and not longer than a path; else "".
func text(b []byte) string {
	if len(b) > maxText || !utf8.Valid(b) {
		return ""
	}
	return string(b)
}
