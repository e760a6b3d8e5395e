package proc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestParseStat(t *testing.T) {
	tests := map[string]struct {
		want                 Stat
		permitted, hasEnding bool
	}{
		"server": {Stat{
			PID: 17513, State: 'S', PPID: 17511, MinorFaults: 2024, UserTicks: 2, Threads: 5, Start: 408168,
			ResidentPages: 3892, VirtualBytes: 68050944, StartCode: 94401527459840,
		}, true, false},
		"child": {Stat{
			PID: 17566, State: 'S', PPID: 17513, MinorFaults: 91, Threads: 1, Start: 408314,
			ResidentPages: 2200, VirtualBytes: 68050944, StartCode: 94401527459840,
		}, true, false},
		"child-not-permitted": {Stat{
			PID: 17566, State: 'S', PPID: 17513, MinorFaults: 91, Threads: 1, Start: 408314,
			SystemTicks: 1, ResidentPages: 2200, VirtualBytes: 68050944, StartCode: 1,
		}, false, false},
		"zombie-killed": {Stat{
			PID: 17566, State: 'Z', PPID: 17513, MinorFaults: 91, Threads: 1, Start: 408314,
			SystemTicks: 1, ExitCode: 9,
		}, false, true},
		"zombie-killed-not-permitted": {Stat{
			PID: 17566, State: 'Z', PPID: 17513, MinorFaults: 91, Threads: 1, Start: 408314,
			SystemTicks: 1, ExitCode: 0,
		}, false, true},
		"kernel-thread": {Stat{PID: 2, State: 'S', Threads: 1, Start: 30}, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got Stat
			if err := ParseStat(fixture(t, "stat/"+name), &got); err != nil {
				t.Fatal(err)
			}
			comm := "redis-server"
			if name == "kernel-thread" {
				comm = "kthreadd"
			}
			if got.Name() != comm {
				t.Errorf("name %q, want %q", got.Name(), comm)
			}
			if got.Permitted() != test.permitted || got.Zombie() != test.hasEnding {
				t.Errorf("permitted %t, zombie %t; want %t, %t", got.Permitted(), got.Zombie(), test.permitted, test.hasEnding)
			}
			got.comm, got.commLen = test.want.comm, 0
			if got != test.want {
				t.Errorf("\n got %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestParseStatNames(t *testing.T) {
	server := string(fixture(t, "stat/server"))
	for comm, want := range map[string]string{
		"redis server":          "redis server",
		"a) S 1 (b":             "a) S 1 (b",
		")))":                   ")))",
		"((":                    "((",
		"":                      "",
		"two\nlines":            "two\nlines",
		"exactly15bytes!":       "exactly15bytes!",
		"kworker/R-much-longer": "kworker/R-much-",
	} {
		var s Stat
		if err := ParseStat([]byte(strings.Replace(server, "redis-server", comm, 1)), &s); err != nil {
			t.Errorf("%q: %v", comm, err)
			continue
		}
		if s.Name() != want || s.PPID != 17511 || s.StartCode != 94401527459840 {
			t.Errorf("%q: name %q, parent %d, start code %d", comm, s.Name(), s.PPID, s.StartCode)
		}
	}
}

func TestSameName(t *testing.T) {
	parse := func(comm string) *Stat {
		s := &Stat{UserTicks: 1} // what was there before goes
		if err := ParseStat(bytes.Replace(fixture(t, "stat/child"), []byte("redis-server"), []byte(comm), 1), s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if !parse("a").SameName(parse("a")) || parse("a").SameName(parse("b")) || parse("a").SameName(parse("a\x00")) {
		t.Error("SameName is not equality of names")
	}
}

func TestParseStatTruncated(t *testing.T) {
	whole := fixture(t, "stat/server")
	var s Stat
	for i := range whole {
		if err := ParseStat(whole[:i], &s); !errors.Is(err, ErrTruncated) {
			t.Fatalf("%q: error %v, want ErrTruncated", whole[:i], err)
		}
		// Cut at a space and ended as if that were all: before exit_code it is not.
		if whole[i] == ' ' && i > bytes.IndexByte(whole, ')') {
			if err := ParseStat(append(whole[:i:i], '\n'), &s); !errors.Is(err, ErrTruncated) {
				t.Fatalf("%q and a line end: error %v, want ErrTruncated", whole[:i], err)
			}
		}
	}
}

func TestParseStatGarbage(t *testing.T) {
	good := string(fixture(t, "stat/server"))
	for what, b := range map[string]string{
		"no pid":        strings.TrimPrefix(good, "17513"),
		"no space":      strings.Replace(good, "17513 ", "17513", 1),
		"a word":        strings.Replace(good, "17511", "parent", 1),
		"a double gap":  strings.Replace(good, " 17511 ", "  17511 ", 1),
		"beyond 64 bit": strings.Replace(good, "18446744073709551615", "18446744073709551616", 1),
		"a long state":  strings.Replace(good, ") S ", ") SS ", 1),
	} {
		var s Stat
		if err := ParseStat([]byte(b), &s); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// addFixtures seeds a fuzz target with recorded files.
func addFixtures(f *testing.F, glob string, more ...any) {
	f.Helper()
	names, err := filepath.Glob("testdata/" + glob)
	if err != nil || len(names) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]any{b}, more...)...)
	}
}

func FuzzParseStat(f *testing.F) {
	addFixtures(f, "stat/*")
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Stat
		if ParseStat(b, &s) != nil {
			return
		}
		end := bytes.LastIndexByte(b, ')')
		fields := strings.Split(strings.TrimSuffix(string(b[end+1:]), "\n"), " ")[1:] // the first is field 3
		if len(fields) < 50 {
			t.Fatalf("%d fields were enough", len(fields)+2)
		}
		for n, got := range map[int]uint64{10: s.MinorFaults, 14: s.UserTicks, 15: s.SystemTicks, 22: s.Start, 23: s.VirtualBytes, 24: s.ResidentPages, 26: s.StartCode} {
			text := fields[n-3]
			want, err := strconv.ParseUint(strings.TrimPrefix(text, "-"), 10, 64)
			if strings.HasPrefix(text, "-") {
				want = -want
			}
			if err != nil || got != want {
				t.Errorf("field %d is %q: got %d, %v", n, text, got, err)
			}
		}
		if len(s.Name()) > commLength || !bytes.HasPrefix(b[bytes.IndexByte(b, '(')+1:end], []byte(s.Name())) {
			t.Errorf("name %q of %q", s.Name(), b)
		}
		for i := end; i < len(b)-1; i++ {
			if ParseStat(b[:i], &s) == nil {
				t.Fatalf("the first %d bytes of %q pass too", i, b)
			}
		}
	})
}
