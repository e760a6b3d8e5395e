package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// quantity is one figure of a turn.
type quantity struct {
	name string
	of   func(turn) float64
}

// quantities of latencies, each in ms.
func quantities(which func(turn) []time.Duration) []quantity {
	at := func(q float64) func(turn) float64 {
		return func(t turn) float64 { return ms(rig.Quantile(which(t), q)) }
	}
	return []quantity{{"p50", at(0.5)}, {"p99", at(0.99)}, {"p99.9", at(0.999)}, {"max", at(1)}}
}

func serving(t turn) []time.Duration { return t.serving }
func stalled(t turn) []time.Duration { return t.stalled }

// savesOwn are the figures of the save itself.
func savesOwn() []quantity {
	return []quantity{
		{"the save, s", turn.seconds},
		{"server waited for a CPU, ms", func(t turn) float64 { return ms(t.serverWaited) }},
		{"child waited for a CPU, ms", func(t turn) float64 { return ms(t.childWaited) }},
	}
}

func (r *latencyRun) tables(b *bench) []*rig.Table {
	inMS := func(qs []quantity) []quantity {
		for i := range qs {
			qs[i].name += ", ms"
		}
		return qs
	}
	ran := quantity{"observer's CPU, ms", func(t turn) float64 { return ms(t.observerRan) }}
	medians := r.table("What observers do to a server during BGSAVE: medians",
		append(append(inMS(quantities(serving)), savesOwn()...), ran), r.medianOf)
	medians.Notes = r.notes(b)
	without := r.table("The same as ratios", append(quantities(serving), savesOwn()...), r.ratioOf(b), unobserved)
	without.Notes = []string{rig.RatioNote("the unobserved turn"), fmt.Sprintf("%q is compared like an observer, and is none: what lies within its interval is noise.", unobservedAgain)}
	with := r.table("Latency with the fork itself: medians", inMS(quantities(stalled)), r.medianOf)
	with.Notes = []string{"The same saves, and also the requests that were due while fork(2) stopped the server."}
	return []*rig.Table{medians, without, with, r.table("The same as ratios", quantities(stalled), r.ratioOf(b), unobserved)}
}

func (r *latencyRun) notes(b *bench) []string {
	notes := []string{fmt.Sprintf("SET of %d bytes on random keys, %d a second, open loop (latency counts from when a request was due), "+
		"on a server with %.2f GB resident. Requests that were due between BGSAVE's answer and the death of its child. "+
		"The time that the child waited is the zombie's figure%s.",
		b.valueOr(latencyValue), b.rate, float64(r.resident)/1e9, r.estimates())}
	if r.first {
		notes = append(notes, "The client's two threads run ahead of everything else (nice -20), as if it were on another machine.")
	} else {
		notes = append(notes, "The client competes with the server for the CPUs: it was not allowed to run ahead of it.")
	}
	if r.accounts {
		notes = append(notes, "Delay accounting is on, in all turns.")
	}
	if n := r.count(func(t turn) bool { return t.behind }); n > 0 {
		notes = append(notes, fmt.Sprintf("In %d of %d saves the server did not keep up: the last request waited for more than %s. Latencies then mean little: try a lower -rate, or a quieter machine.",
			n, len(r.turns), farBehind))
	}
	if len(r.missing) > 0 {
		notes = append(notes, "Left out here: "+strings.Join(r.missing, ", ")+".")
	}
	return notes
}

// estimates tells of how many children the zombie was gone too soon.
func (r *latencyRun) estimates() string {
	n := r.count(func(t turn) bool { return t.childEstimate })
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", or in %d of %d saves, where the server reaped it too soon, the last one of its life", n, len(r.turns))
}

func (r *latencyRun) count(is func(turn) bool) (n int) {
	for _, t := range r.turns {
		if is(t) {
			n++
		}
	}
	return n
}

// table has a row per observer and a column per quantity.
func (r *latencyRun) table(title string, columns []quantity, cell func(observer string, q quantity) string, except ...string) *rig.Table {
	t := &rig.Table{Title: title, Head: []string{"observer", "saves"}}
	for _, q := range columns {
		t.Head = append(t.Head, q.name)
	}
	for _, o := range []string{unobserved, unobservedAgain, oursAlone, oursShared, redisExporter, processExporter, plainLoop} {
		saves := len(r.byRound(o, quantity{of: turn.seconds}))
		if saves == 0 || slices.Contains(except, o) {
			continue
		}
		row := []string{o, strconv.Itoa(saves)}
		for _, q := range columns {
			row = append(row, cell(o, q))
		}
		t.Row(row...)
	}
	return t
}

func (r *latencyRun) byRound(observer string, q quantity) map[int]float64 {
	values := map[int]float64{}
	for _, t := range r.turns {
		if t.observer == observer {
			values[t.round] = q.of(t)
		}
	}
	return values
}

func (r *latencyRun) medianOf(observer string, q quantity) string {
	return rig.Figure(rig.Median(rig.InOrder(r.byRound(observer, q))))
}

func (r *latencyRun) ratioOf(b *bench) func(string, quantity) string {
	return func(observer string, q quantity) string {
		return rig.Ratio(rig.Ratios(r.byRound(observer, q), r.byRound(unobserved, q)), b.rng)
	}
}
