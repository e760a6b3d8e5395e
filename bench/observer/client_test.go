package main

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

func TestPace(t *testing.T) {
	p := paceOf(4000)
	if p != (pace{4, time.Millisecond}) {
		t.Errorf("4000 a second: %+v", p)
	}
	if p := paceOf(10); p != (pace{1, 100 * time.Millisecond}) {
		t.Errorf("10 a second: %+v", p)
	}
	if d := p.due(4001); d != time.Second {
		t.Errorf("request 4001 is due after %s", d)
	}
	if n := p.within(time.Second); n != 4000 {
		t.Errorf("%d requests in a second", n)
	}
	// Due at 0, 0, 0, 0, 1, 1 ms.
	arrived := []time.Duration{1, 2, 3, 4, 1e6 + 50, 3e6}
	if got := p.latencies(arrived, 1, time.Second); !slices.Equal(got, []time.Duration{50, 2e6}) {
		t.Errorf("%v", got)
	}
	if got := p.latencies(arrived, 0, 0); len(got) != 4 {
		t.Errorf("%v", got)
	}
	if got := p.latencies(nil, 0, time.Second); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestSetCommand(t *testing.T) {
	c := newSetCommand(100)
	for _, key := range []int{0, 7, 1234567890} {
		name := redisrun.Key(key)
		head := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$100\r\n", len(name), name)
		got := c.next(key)
		if !bytes.HasPrefix(got, []byte(head)) || !bytes.HasSuffix(got, []byte("\r\n")) || len(got) != len(head)+102 {
			t.Errorf("%q", got)
		}
	}
}

func TestRepliesInPieces(t *testing.T) {
	const text = "+OK\r\n+OK\r\n:12\r\n+PONG\r\n"
	for size := 1; size <= len(text); size++ {
		var r replies
		total := 0
		for piece := range slices.Chunk([]byte(text), size) {
			n, err := r.count(piece)
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
		if total != 4 {
			t.Errorf("in pieces of %d: %d replies", size, total)
		}
	}
	var r replies
	n, err := r.count([]byte("+OK\r\n-MISCONF no\r\n+OK\r\n"))
	var answer errorReply
	if n != 1 || !errors.As(err, &answer) || answer != "MISCONF no" {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := r.count([]byte("\n")); err == nil {
		t.Error("an empty line is no reply")
	}
}

// stopwatchThreads gives the client's threads Ps to spare, as main does.
func stopwatchThreads(t *testing.T) {
	t.Helper()
	before := runtime.GOMAXPROCS(runtime.NumCPU() + 4)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

func TestClient(t *testing.T) {
	stopwatchThreads(t)
	s := redistest.Start(t, redisrun.Options{})
	const keys, size = 1000, 40
	if err := fill(t.Context(), s.Addr(), keys, size); err != nil {
		t.Fatal(err)
	}
	if n := s.Client().DBSize(t.Context()).Val(); n != keys {
		t.Fatalf("%d keys", n)
	}
	c, err := startClient(s.Addr(), load{2000, keys, size + 1})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	for range 2 {
		if err := c.stop(); err != nil {
			t.Fatal(err)
		}
	}
	l := c.latencies(c.start, time.Now())
	if want := int(c.total.Load()) - 1; len(l) != want || want < 2 {
		t.Errorf("%d latencies of %d requests", len(l), want)
	}
	for i, d := range l {
		if d <= 0 || d > replyTimeout {
			t.Errorf("request %d took %s", i, d)
		}
	}
	if n := s.Client().DBSize(t.Context()).Val(); n != keys {
		t.Errorf("%d keys after the load: it wrote others than the fill", n)
	}
	longer := 0
	for key := range keys {
		if s.Client().StrLen(t.Context(), redisrun.Key(key)).Val() == size+1 {
			longer++
		}
	}
	if longer == 0 {
		t.Error("the load wrote nothing")
	}
}

func TestClientSaysWhatWentWrong(t *testing.T) {
	stopwatchThreads(t)
	s := redistest.Start(t, redisrun.Options{Args: []string{"--maxmemory", "1"}})
	c, err := startClient(s.Addr(), load{1000, 10, 10})
	if err != nil {
		t.Fatal(err)
	}
	c.running.Wait()
	var answer errorReply
	if err := c.stop(); !errors.As(err, &answer) {
		t.Errorf("an error reply: %v", err)
	}

	s = redistest.Start(t, redisrun.Options{})
	if c, err = startClient(s.Addr(), load{1000, 10, 10}); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	c.running.Wait() // by itself
	if err := c.stop(); err == nil {
		t.Error("no error when the server died")
	}
	if _, err := startClient(s.Addr(), load{1000, 10, 10}); err == nil {
		t.Error("no error without a server")
	}
}
