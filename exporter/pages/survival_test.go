package pages_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words/wordstest"
)

// section is what the landing page says of the first server's next fork.
func section(t *testing.T, src fake) string {
	t.Helper()
	body := get(t, src, "/", 200)
	_, after, ok := strings.Cut(body, "Will it survive the next fork?")
	if !ok {
		t.Fatal("the question is not asked")
	}
	answer, _, ok := strings.Cut(after, "</div>")
	if !ok {
		t.Fatal("the answer has no end")
	}
	return answer
}

func TestSurvivalSection(t *testing.T) {
	answer := section(t, full())
	has(t, answer,
		`<span class="badge is-cut">Probably</span>: as expected it fits, but if every page`,
		"RDB save: ", "for copies and growth", "for page tables", "13 % above what the past fork nearest to it in writes needed by the time of as many",
		"Stall <span", "that of the last fork, scaled",
		"memory cgroup <small>/system.slice/redis.service, 3.00 GB; beyond it the kernel kills</small>",
		`title="1,386,190,000 bytes">1.39 GB`, // 450 MB are left, and the running child gives 936.19 MB back
		`title="9,936,190,000 bytes">9.94 GB`,
		`title="1,603,190,000 bytes">1.60 GB`, // worst case
	)
	lacks(t, answer, "commit limit", "memory.high", "is not known", " short")
}

func TestSurvivalAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		change      func(*track.State)
		want, lacks []string
	}{
		"yes": {func(st *track.State) {
			st.Limits.Cgroup = opt.Val[limits.Limit]{}
		}, []string{`is-ok">Yes</span>: also if every page`}, []string{"memory cgroup"}},
		"no": {func(st *track.State) {
			st.Limits.Cgroup = opt.Of(limits.Limit{Path: "/redis", Max: 2_000_000_000, Left: 20_000_000})
		}, []string{`is-bad">No</span>: it is expected to need more than its memory cgroup leaves`, `class="text-bad"><span title=`, " short"}, nil},
		"not known": {func(st *track.State) {
			st.Recent = nil
		}, []string{`is-unk">Not known</span>: no fork has been seen`, "No forecast of its memory: no fork of it has been seen from its beginning to its end", "No forecast of its stall: no fork of it"}, []string{"Stall <span"}},
		"nothing to be read": {func(st *track.State) {
			st.Limits = limits.Limits{}
		}, []string{`is-unk">Not known</span>: neither the host`}, []string{"<table", "would refuse it for its size"}},
		"slowed down": {func(st *track.State) {
			st.Limits.High = opt.Of(limits.Limit{Left: 0})
		}, []string{"left below memory.high: the kernel will slow the server down"}, nil},
		"strict overcommit": {func(st *track.State) {
			st.Limits.Commit, st.Limits.Mapping = opt.Of(uint64(7_000_000_000)), opt.Val[uint64]{}
		}, []string{"commit limit <small>of what the kernel accounts", "7.00 GB"}, nil},
		"refusal not judged": {func(st *track.State) {
			st.Limits.Mapping = opt.Of(uint64(1_000_000_000))
		}, []string{"Whether the kernel would refuse it for its size is not known"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			src := full()
			test.change(&src.snap.Servers[0])
			answer := section(t, src)
			has(t, answer, test.want...)
			lacks(t, answer, test.lacks...)
		})
	}
}

// Whatever there is to say, the page says it in the words that the commands have.
func TestSurvivalInWords(t *testing.T) {
	tags := regexp.MustCompile("<[^>]*>")
	for _, c := range wordstest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			answer := section(t, fake{snap: history.Snapshot{Host: c.Host, Servers: []track.State{c.State}}})
			s := c.Survival()
			has(t, html.UnescapeString(tags.ReplaceAllString(answer, "")), wordstest.Sentences(&s)...)
		})
	}
}

// Software that never forks is not asked.
func TestNoSurvivalOfDragonfly(t *testing.T) {
	src := full()
	src.snap.Servers = src.snap.Servers[:1]
	src.snap.Servers[0].Info = &redisinfo.Info{Software: redisinfo.SoftwareDragonfly}
	lacks(t, get(t, src, "/", 200), "Will it survive")
}
