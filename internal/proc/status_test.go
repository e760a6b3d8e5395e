package proc

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestParseStatus(t *testing.T) {
	kB := func(n uint64) opt.Val[uint64] { return opt.Of(n * 1024) }
	allowed := opt.Of(true)
	inContainer := strings.NewReplacer("NSpid:\t17513", "NSpid:\t17513\t203\t1", "Uid:\t0\t0\t0\t0", "Uid:\t0\t999\t0\t0",
		"Gid:\t0\t0\t0\t0", "Gid:\t0\t998\t0\t0").Replace(string(fixture(t, "status/server")))
	old := strings.NewReplacer("NSpid:", "Other:", "RssAnon:", "Other:").Replace(string(fixture(t, "status/server")))
	tests := map[string]struct {
		text []byte
		want Status
	}{
		"server": {fixture(t, "status/server"), Status{Threads: 5, NSPID: opt.Of(17513), VMRSS: kB(15832), RSSAnon: kB(6412), VMPTE: kB(116), VMSwap: kB(0), HugePages: allowed}},
		"child":  {fixture(t, "status/child"), Status{Threads: 1, NSPID: opt.Of(17566), VMRSS: kB(8944), RSSAnon: kB(6408), VMPTE: kB(100), VMSwap: kB(0), HugePages: allowed}},
		"zombie": {fixture(t, "status/zombie"), Status{Threads: 1, NSPID: opt.Of(17566)}},
		"kernel": {fixture(t, "status/kernel-thread"), Status{Threads: 1, NSPID: opt.Of(2)}},
		"nested": {[]byte(inContainer), Status{UID: 999, GID: 998, Threads: 5, NSPID: opt.Of(1), VMRSS: kB(15832), RSSAnon: kB(6412), VMPTE: kB(116), VMSwap: kB(0), HugePages: allowed}},
		"old":    {[]byte(old), Status{Threads: 5, VMRSS: kB(15832), VMPTE: kB(116), VMSwap: kB(0), HugePages: allowed}},
		"no uid": {[]byte("Uid:\t4294967295\t4294967295\t1\t1\nGid:\t1\t1\t1\t1\n"), Status{UID: 4294967295, GID: 1}},
	}
	for name, test := range tests {
		got, err := ParseStatus(test.text)
		if err != nil || got != test.want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", name, got, err, test.want)
		}
	}
}

func TestParseStatusErrors(t *testing.T) {
	good := string(fixture(t, "status/server"))
	for what, text := range map[string]string{
		"empty":     "",
		"no gid":    "Uid:\t1\t1\t1\t1\n",
		"one uid":   strings.Replace(good, "Uid:\t0\t0\t0\t0", "Uid:\t0", 1),
		"no nspid":  strings.Replace(good, "NSpid:\t17513", "NSpid:\t", 1),
		"cut short": good[:len(good)-1],
	} {
		_, err := ParseStatus([]byte(text))
		wantErr(t, what, err, ErrTruncated)
	}
	for what, text := range map[string]string{
		"a word":    strings.Replace(good, "Uid:\t0\t0", "Uid:\t0\troot", 1),
		"no unit":   strings.Replace(good, "15832 kB\nRssAnon", "15832\nRssAnon", 1),
		"other one": strings.Replace(good, "VmPTE:\t     116 kB", "VmPTE:\t     116 MB", 1),
		"overflow":  strings.Replace(good, "VmPTE:\t     116 kB", "VmPTE: 18014398509481985 kB", 1),
	} {
		if _, err := ParseStatus([]byte(text)); err == nil || text == good {
			t.Errorf("%s: no error", what)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	addFixtures(f, "status/*", uint(100))
	f.Fuzz(func(t *testing.T, b []byte, cut uint) {
		s, err := ParseStatus(b)
		if err != nil {
			return
		}
		var want Status // by other means, the last of several lines of one name
		for line := range strings.Lines(string(b)) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			words := bytes.Fields([]byte(value)) // of ASCII spaces and others alike
			if len(words) == 0 {
				continue
			}
			kB := func() opt.Val[uint64] {
				n, _ := strconv.ParseUint(string(words[0]), 10, 64)
				return opt.Of(n * 1024)
			}
			switch key {
			case "Uid":
				want.UID, _ = strconv.Atoi(string(words[1]))
			case "Gid":
				want.GID, _ = strconv.Atoi(string(words[1]))
			case "NSpid":
				n, _ := strconv.Atoi(string(words[len(words)-1]))
				want.NSPID = opt.Of(n)
			case "Threads":
				want.Threads, _ = strconv.Atoi(string(words[len(words)-1]))
			case "THP_enabled":
				n, _ := strconv.Atoi(string(words[len(words)-1]))
				want.HugePages = opt.Of(n != 0)
			case "VmRSS":
				want.VMRSS = kB()
			case "RssAnon":
				want.RSSAnon = kB()
			case "VmPTE":
				want.VMPTE = kB()
			case "VmSwap":
				want.VMSwap = kB()
			}
		}
		if s != want {
			t.Errorf("\n got %+v\nwant %+v\nof %q", s, want, b)
		}
		if i := cut % uint(len(b)); i > 0 && b[i-1] != '\n' {
			if _, err := ParseStatus(b[:i]); err == nil {
				t.Errorf("the first %d bytes of %q pass too", i, b)
			}
		}
	})
}

func TestStatusHugePages(t *testing.T) {
	const ids = "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
	for text, want := range map[string]opt.Val[bool]{
		ids + "THP_enabled:\t1\n": opt.Of(true),
		ids + "THP_enabled:\t0\n": opt.Of(false),
		ids:                       {}, // before Linux 5.0
	} {
		if got, err := ParseStatus([]byte(text)); err != nil || got.HugePages != want {
			t.Errorf("%q: %v, %v; want %v", text, got.HugePages, err, want)
		}
	}
	if _, err := ParseStatus([]byte(ids + "THP_enabled:\tx\n")); err == nil {
		t.Error("rubbish is no error")
	}
}
