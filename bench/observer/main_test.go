package main

import (
	"errors"
	"flag"
	"testing"
)

func TestFlags(t *testing.T) {
	s, err := parse(nil)
	if err != nil || len(s.only) != len(measurements) || s.rounds < 5 {
		t.Errorf("defaults: %+v, %v", s, err)
	}
	s, err = parse([]string{"-only=latency", "-rounds=7"})
	if err != nil || len(s.only) != 1 || !s.only["latency"] || s.rounds != 7 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range [][]string{{"-only=latencies"}, {"-only="}, {"-rounds=0"}, {"-quiet=-1s"}, {"latency"}} {
		if s, err := parse(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, s)
		}
	}
	if _, err := parse([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}
