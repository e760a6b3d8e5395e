package main

import (
	"errors"
	"flag"
	"testing"
	"time"
)

func TestFlags(t *testing.T) {
	s, err := parse(nil)
	if err != nil || len(s.only) != len(measurements)-1 || s.only["against"] || s.rounds < 5 {
		t.Errorf("defaults: %+v, %v", s, err)
	}
	s, err = parse([]string{"-only=latency", "-rounds=7"})
	if err != nil || len(s.only) != 1 || !s.only["latency"] || s.rounds != 7 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = parse([]string{"-against=HEAD~2"})
	if err != nil || len(s.only) != 1 || !s.only["against"] || s.against != "HEAD~2" || s.pairs != 12 || s.slot != time.Minute {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range [][]string{{"-only=latencies"}, {"-rounds=0"}, {"-quiet=-1s"}, {"latency"}, {"-only=against"}, {"-against=HEAD", "-only=size"}, {"-against=HEAD", "-slot=1ms"}, {"-against=HEAD", "-slot=10m"}, {"-against=HEAD", "-pairs=0"}} {
		if s, err := parse(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, s)
		}
	}
	if _, err := parse([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}
