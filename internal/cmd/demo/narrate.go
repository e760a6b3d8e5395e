package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

const (
	lookEvery = 200 * time.Millisecond
	tellWait  = 2 * time.Minute
	// startGrain is more than a fork's start may be told too early: the kernel's grain
	// is 10 ms, rounded towards earlier.
	startGrain = 100 * time.Millisecond
)

// narrator tells forks in a terminal, as the exporter's API reports them.
type narrator struct {
	url  string
	out  io.Writer
	live bool // out is a terminal: the running fork is told in one line that changes
	told map[string]bool
	tail string // the fork whose tail is still to be told, "" for none
}

// get reads the exporter's recent forks, newest first.
func (n *narrator) get(ctx context.Context) ([]fork.Record, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/api/v1/forks", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var body struct {
		Forks []fork.Record `json:"forks"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return nil, fmt.Errorf("reading %s: %w", req.URL, err)
	}
	return body.Forks, nil
}

// ready waits until the exporter has found the server.
func (n *narrator) ready(ctx context.Context) error {
	n.told = map[string]bool{}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/-/ready", http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// tell follows the fork that was started after since, and returns and reports it when
// it is closed. Forks that the server has made of itself before are reported too.
func (n *narrator) tell(ctx context.Context, since time.Time) (fork.Record, error) {
	deadline := time.Now().Add(tellWait)
	for time.Now().Before(deadline) {
		forks, err := n.get(ctx)
		if err != nil {
			return fork.Record{}, err
		}
		n.tellTail(forks)
		for _, f := range slices.Backward(forks) {
			switch {
			case n.told[f.ID]:
			case f.Running():
				n.running(f)
			default:
				n.told[f.ID] = true
				n.closed(f)
				if !f.Start.Before(since.Add(-startGrain)) {
					return f, nil
				}
			}
		}
		if err := sleep(ctx, lookEvery); err != nil {
			return fork.Record{}, err
		}
	}
	return fork.Record{}, errors.New("the exporter has reported no fork")
}

// pause lets d pass, and tells the last fork's tail if it ends meanwhile.
func (n *narrator) pause(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := sleep(ctx, min(left, lookEvery)); err != nil {
			return err
		}
		if n.tail == "" {
			continue
		}
		forks, err := n.get(ctx)
		if err != nil {
			return err
		}
		n.tellTail(forks)
	}
}

// tellTail says what the tail was that was still going when its fork was told.
func (n *narrator) tellTail(forks []fork.Record) {
	for _, f := range forks {
		if t, ended := f.Tail.Get(); ended && f.ID == n.tail {
			n.tail = ""
			n.clear()
			fmt.Fprintf(n.out, "  tail of the last %s: %s\n\n", words.Kind(f.Kind), tailed(t))
		}
	}
}

func (n *narrator) running(f fork.Record) {
	if !n.live {
		return
	}
	line := fmt.Sprintf("  %-11s %5.1f s", words.Kind(f.Kind), time.Since(f.Start).Seconds())
	if len(f.Curve) > 0 {
		line += fmt.Sprintf("   private dirty %9s  %s", words.Bytes(f.Curve[len(f.Curve)-1].PrivateDirty), sparkline(f.Curve))
	}
	fmt.Fprintf(n.out, "\r\033[K%s", line)
}

func (n *narrator) closed(f fork.Record) {
	n.clear()
	fmt.Fprintf(n.out, "  %s: %s\n", words.Kind(f.Kind), words.Ending(&f))
	n.fact("stall", stall(f))
	n.fact("copying", copying(f))
	n.fact("private dirty", growth(f))
	n.fact("points by", fork.PointsBySource(f.Curve))
	n.fact("copied", copied(f))
	n.fact("server says", known(f.ReportedCOWBytes, words.Bytes))
	n.fact("tail", n.tailOf(f))
	fmt.Fprintf(n.out, "    %-14s %s/forks/%s\n\n", "page", n.url, f.ID)
}

// clear removes the line that changes.
func (n *narrator) clear() {
	if n.live {
		fmt.Fprint(n.out, "\r\033[K")
	}
}

// tailOf returns the tail of f as far as it is known; what is not yet is told later.
func (n *narrator) tailOf(f fork.Record) string {
	if t, ok := f.Tail.Get(); ok {
		return tailed(t)
	}
	if !f.TailGoing(time.Now()) {
		return ""
	}
	n.tail = f.ID
	return "still going"
}

func tailed(t fork.Tail) string {
	return fmt.Sprintf("%s   (%d write faults)", words.Tail(t), t.Faults)
}

func (n *narrator) fact(name, value string) {
	if value == "" {
		value = words.NotKnown
	}
	fmt.Fprintf(n.out, "    %-14s %s\n", name, value)
}

func stall(f fork.Record) string {
	text := known(f.StallSeconds, words.Seconds)
	if rate := words.StallRate(f.StallSeconds, f.ResidentBytes); rate != "" {
		text += "   (" + rate + " ms per GiB of the " + known(f.ResidentBytes, words.Bytes) + " resident)"
	}
	return text
}

// copying returns the time that the server spent in copies, and what that compares to.
func copying(f fork.Record) string {
	how := " of the server's time"
	if !f.CopyStallSeconds.Present() {
		f.CopyStallSeconds, how = f.EstimatedCopyStallSeconds, how+", by estimate"
	}
	s, ok := f.CopyStallSeconds.Get()
	if !ok {
		return ""
	}
	text := words.Seconds(s) + how
	if share, stalls := words.CopyShare(&f), words.CopyStalls(&f); share != "" && stalls != "" {
		text += "   (" + share + ", " + stalls + ")"
	}
	return text
}

func copied(f fork.Record) string {
	bytes, ok := f.CopiedBytes.Get()
	if !ok {
		return ""
	}
	return words.Bytes(bytes) + "   (by " + words.Source(f.CopiedSource) + ")"
}

func growth(f fork.Record) string {
	peak, ok := f.PeakBytes.Get()
	if !ok {
		return ""
	}
	text := "peak " + words.Bytes(peak)
	if r, ok := f.ResidentBytes.Get(); ok && r > 0 {
		text += ", " + words.Percent(peak, r) + " of the data"
	}
	return text + "   " + sparkline(f.Curve)
}

func known[T any](v opt.Val[T], text func(T) string) string {
	if x, ok := v.Get(); ok {
		return text(x)
	}
	return ""
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
