package track

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// step is a birth, a reply or the passing of time in a ledger's life.
type step struct {
	at    int // milliseconds
	birth string
	born  int // 0: long before
	reply *answer
}

type answer struct {
	sent   int
	total  int // -1: the server does not count
	latest int // milliseconds, 0: never
	reset  bool
}

// tally is all settlements of a ledger's life, added up.
type tally struct {
	Durations map[string]int // -1: lost
	Uncounted []string
	Orphans   []int
	Unseen    int
	Lost      int
}

func ms(n int) time.Time { return time.UnixMilli(int64(n)) }

func (t *tally) add(s settlement) {
	for id, d := range s.durations {
		if t.Durations == nil {
			t.Durations = map[string]int{}
		}
		if _, twice := t.Durations[id]; twice {
			panic(id + " is settled twice")
		}
		if v, ok := d.Get(); ok {
			t.Durations[id] = int(v.Milliseconds())
		} else {
			t.Durations[id] = -1
		}
	}
	t.Uncounted = append(t.Uncounted, s.uncounted...)
	for _, v := range s.orphans {
		t.Orphans = append(t.Orphans, int(v.Milliseconds()))
	}
	t.Unseen += s.unobservedChildren
	t.Lost += s.lostDurations
}

func TestLedger(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []step
		want  tally
	}{
		{
			name: "a fork seen and asked for at once",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 100, birth: "a"},
				{at: 103, reply: &answer{sent: 101, total: 6, latest: 3}},
			},
			want: tally{Durations: map[string]int{"a": 3}},
		},
		{
			name: "two forks before one answer: the value is the second's",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 100, birth: "a"},
				{at: 120, birth: "b"},
				{at: 130, reply: &answer{sent: 101, total: 7, latest: 4}},
				{at: 131, reply: &answer{sent: 130, total: 7, latest: 4}},
			},
			want: tally{Durations: map[string]int{"a": -1, "b": 4}, Lost: 1},
		},
		{
			name: "the answer counts a fork whose birth is seen a moment later",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 100, reply: &answer{sent: 99, total: 6, latest: 3}},
				{at: 108, birth: "a"},
				{at: 112, reply: &answer{sent: 109, total: 6, latest: 3}},
			},
			want: tally{Durations: map[string]int{"a": 3}},
		},
		{
			name: "the same with an earlier birth in the group",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 98, birth: "a"},
				{at: 100, reply: &answer{sent: 99, total: 7, latest: 3}},
				{at: 108, birth: "b"},
				{at: 112, reply: &answer{sent: 109, total: 7, latest: 3}},
			},
			want: tally{Durations: map[string]int{"a": -1, "b": 3}, Lost: 1},
		},
		{
			name: "a fork that nobody saw, and another seen right after it: whose is whose can't be told",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 100, reply: &answer{sent: 99, total: 6, latest: 3}},
				{at: 108, birth: "b"},
				{at: 112, reply: &answer{sent: 109, total: 7, latest: 4}},
				{at: 900, reply: &answer{sent: 899, total: 7, latest: 4}},
			},
			want: tally{Durations: map[string]int{"b": -1}, Unseen: 1, Orphans: []int{3, 4}},
		},
		{
			name: "a fork that nobody saw, and another born after the answer",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 100, reply: &answer{sent: 99, total: 6, latest: 3}},
				{at: 118, birth: "b", born: 110},
				{at: 122, reply: &answer{sent: 119, total: 7, latest: 4}},
				{at: 900, reply: &answer{sent: 899, total: 7, latest: 4}},
			},
			want: tally{Durations: map[string]int{"b": 4}, Unseen: 1, Orphans: []int{3}},
		},
		{
			name: "a fork that nobody saw: its duration still counts, for no record",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 100, reply: &answer{sent: 99, total: 6, latest: 3}},
				{at: 1000, reply: &answer{sent: 999, total: 6, latest: 3}},
			},
			want: tally{Unseen: 1, Orphans: []int{3}},
		},
		{
			name: "one of two was not seen: the value may be either's",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 98, birth: "a"},
				{at: 100, reply: &answer{sent: 99, total: 7, latest: 3}},
				{at: 1000, reply: &answer{sent: 999, total: 7, latest: 3}},
			},
			want: tally{Durations: map[string]int{"a": -1}, Unseen: 1, Lost: 1, Orphans: []int{3}},
		},
		{
			name: "a child that the server does not count",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 98, birth: "helper"},
				{at: 100, reply: &answer{sent: 99, total: 5, latest: 7}},
			},
			want: tally{Uncounted: []string{"helper"}},
		},
		{
			name: "an answer to a question sent before the birth says nothing of it",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 98, birth: "a"},
				{at: 100, reply: &answer{sent: 97, total: 5, latest: 7}},
				{at: 103, reply: &answer{sent: 101, total: 6, latest: 2}},
			},
			want: tally{Durations: map[string]int{"a": 2}},
		},
		{
			name: "CONFIG RESETSTAT: never a wrong duration, and nothing uncounted twice",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 98, birth: "a"},
				{at: 100, reply: &answer{sent: 99, total: 0, latest: 0}},
				{at: 198, birth: "b"},
				{at: 200, reply: &answer{sent: 199, total: 1, latest: 6}},
			},
			want: tally{Durations: map[string]int{"a": -1, "b": 6}, Lost: 1},
		},
		{
			name: "a reset, and as many forks since as before",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 1, latest: 7}},
				{at: 98, birth: "a"},
				{at: 100, reply: &answer{sent: 99, total: 1, latest: 5, reset: true}},
			},
			want: tally{Durations: map[string]int{"a": -1}, Lost: 1},
		},
		{
			name: "forks after a reset that nobody saw",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 100, reply: &answer{sent: 99, total: 2, latest: 9}},
			},
			want: tally{Unseen: 2, Lost: 2},
		},
		{
			name: "a server before 6.2 does not count: the value is the last fork's",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: -1, latest: 7}},
				{at: 98, birth: "a"},
				{at: 99, birth: "b"},
				{at: 101, reply: &answer{sent: 100, total: -1, latest: 8}},
			},
			want: tally{Durations: map[string]int{"a": -1, "b": 8}, Lost: 1},
		},
		{
			name: "latest_fork_usec of 0 is no duration",
			steps: []step{
				{at: 0, reply: &answer{sent: 0, total: 5, latest: 7}},
				{at: 98, birth: "a"},
				{at: 101, reply: &answer{sent: 100, total: 6, latest: 0}},
			},
			want: tally{Durations: map[string]int{"a": -1}, Lost: 1},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := ledger{grace: 200 * time.Millisecond}
			var got tally
			for _, s := range test.steps {
				if s.birth != "" {
					l.birth(s.birth, ms(s.born), ms(s.at))
					continue
				}
				total, latest := opt.Val[uint64]{}, opt.Val[time.Duration]{}
				if s.reply.total >= 0 {
					total = opt.Of(uint64(s.reply.total))
				}
				if s.reply.latest > 0 {
					latest = opt.Of(time.Duration(s.reply.latest) * time.Millisecond)
				}
				got.add(l.reply(ms(s.reply.sent), ms(s.at), total, latest, s.reply.reset))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("settlements (-want +got):\n%s", diff)
			}
			if l.waiting() || len(l.births) > 0 {
				t.Errorf("the ledger still waits: %+v", l)
			}
		})
	}
}

// Whatever the order of forks, looks and answers: each fork is settled exactly
// once in each of the two accounts, and a duration is never given to the wrong
// fork. The server is simulated with its one promise: fork, count, answer, in
// this order.
func TestLedgerSettlesEveryForkOnce(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l := ledger{grace: 40 * time.Millisecond}
		var got tally
		forked, now, latest := 0, 0, 0
		truth := map[string]int{}
		answerNow := func(sent int) {
			var last opt.Val[time.Duration]
			if latest > 0 {
				last = opt.Of(time.Duration(latest) * time.Millisecond)
			}
			got.add(l.reply(ms(sent), ms(now), opt.Of(uint64(forked)), last, false))
		}
		answerNow(0)
		type born struct {
			id string
			at int
		}
		var unseen []born // not yet seen by the poller, which looks within 20 ms
		for range 60 {
			sent := now
			now += 1 + rng.IntN(30)
			for range rng.IntN(3) { // forks between the question and the answer
				forked++
				latest = 1 + rng.IntN(500)
				id := strconv.Itoa(forked)
				truth[id] = latest
				if rng.IntN(5) > 0 { // else gone before any look
					unseen = append(unseen, born{id, sent + rng.IntN(now-sent+1)})
				}
			}
			late := rng.IntN(2) == 0 // births are seen before or after the answer
			if late {
				answerNow(sent)
				now += rng.IntN(20)
			}
			for _, b := range unseen {
				l.birth(b.id, ms(b.at-b.at%10), ms(now))
			}
			unseen = nil
			if !late {
				answerNow(sent)
			}
			now += rng.IntN(200)
			var s settlement
			l.expire(ms(now), &s)
			got.add(s)
		}
		now += 1000
		answerNow(now - 1)
		var s settlement
		l.expire(ms(now+1000), &s)
		got.add(s)
		got.add(l.close())
		known, lost := 0, 0
		for id, d := range got.Durations {
			if d < 0 {
				lost++
				continue
			}
			known++
			if truth[id] != d {
				t.Fatalf("seed %d: fork %s took %d ms, the ledger says %d", seed, id, truth[id], d)
			}
		}
		if n := len(got.Durations) + got.Unseen; n != forked {
			t.Fatalf("seed %d: %d forks, %d children seen + %d unseen", seed, forked, len(got.Durations), got.Unseen)
		}
		if n := known + len(got.Orphans) + got.Lost; n != forked {
			t.Fatalf("seed %d: %d forks, durations: %d known + %d orphans + %d lost", seed, forked, known, len(got.Orphans), got.Lost)
		}
		if len(got.Uncounted) > 0 {
			t.Fatalf("seed %d: real forks were called uncounted: %v", seed, got.Uncounted)
		}
	}
}
