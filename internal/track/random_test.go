package track

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// TestRandomLives plays what a small model of a server does in random moments. Whatever
// happens, the accounts add up after every event, at most one INFO is under way, and each
// record that is opened is closed or dropped once, and let go of. Where the model knows which
// forks can be known, the totals that users see have each of them once.
func TestRandomLives(t *testing.T) {
	const seeds = 600
	known := 0
	for seed := range uint64(seeds) {
		m := &model{
			T: t, seed: seed, Rand: rand.New(rand.NewPCG(seed, 1)), Server: New("s", "s:6379"),
			now: time.Unix(1_800_000_000, 0), known: true, records: map[string]*record{},
			resets: seed%8 == 7, helpers: seed%4 == 1, copies: seed%8 == 3, restarts: seed%8 != 1, calm: seed%8 != 2,
		}
		m.play(500)
		if t.Failed() {
			return
		}
		if m.known {
			known++
		}
	}
	if known < seeds/3 {
		t.Errorf("the model knew all forks in %d of %d lives: the totals are hardly tested", known, seeds)
	}
}

// model is a server, its machine, and the loop that feeds events to a tracked Server.
type model struct {
	*testing.T
	*rand.Rand
	*Server
	seed     uint64
	resets   bool // CONFIG RESETSTAT happens
	helpers  bool // children that are no copies of the server happen
	copies   bool // copies that it does not count happen
	restarts bool // it ends and is started anew
	calm     bool // no fork while it is open which reply will be the one to count from
	known    bool // which forks can be known

	now     time.Time
	queue   []func() // what was posted to the loop
	records map[string]*record

	run      *run
	runs     []*run
	pid      int // of the last process that was started
	watched  *run
	exited   bool   // the watched process has ended, and the loop has not heard of it
	children []*kid // that the loop may still have to hear of
	all      []*kid

	asking   bool
	sent     time.Time
	answered opt.Val[said] // by the server, and not received
	last     *run          // that answered last
	baseline bool          // the next reply is the one to count from
}

// run is one run of the server.
type run struct {
	id       string
	pid      int
	alive    bool
	forks    []*kid
	offset   int // forks before the last reset
	latest   time.Duration
	commands uint64
	replied  int // forks by the last reply
}

// said is what the server has said, and how many forks it had made by then.
type said struct {
	run   *run
	forks int
	info  redisinfo.Info
}

// kid is a child of the server.
type kid struct {
	pid     int
	born    time.Time
	start   time.Time // born, as the kernel tells it
	process *run
	isFork  bool
	isCopy  bool // else a helper
	seen    bool
	seenAt  time.Time
	covered bool // the loop was told a count with this fork in it, and one without it before
	died    opt.Val[time.Time]
	reaped  bool
	told    struct{ died, reaped, helper bool }
	id      string
}

// record is what the actions said of a fork.
type record struct {
	kid                              *kid
	closed, dropped, released, ended bool
}

func (m *model) play(steps int) {
	m.start()
	m.happen(Second{})
	for m.last == nil || m.process == nil || m.baseline || m.asking { // from here on all forks are counted
		m.step(false)
	}
	for range steps {
		m.step(true)
	}
	if !m.run.alive {
		m.start()
	}
	for deadline := m.now.Add(17 * time.Second); m.now.Before(deadline); {
		m.step(false)
		for _, k := range m.children {
			m.die(k)
			k.reaped = true
		}
	}
	m.judge()
}

// step lets a moment pass, and what may happen in it. busy: the server forks and dies.
func (m *model) step(busy bool) {
	before := m.now
	m.now = m.now.Add(time.Duration(1+m.IntN(30)) * time.Millisecond)
	if busy {
		m.life()
	}
	m.info()
	if m.IntN(8) > 0 {
		m.poll()
	}
	m.follow()
	for len(m.queue) > 0 && m.IntN(4) > 0 {
		next := m.queue[0]
		m.queue = m.queue[1:]
		next()
	}
	if m.exited && m.IntN(3) == 0 {
		m.exit()
	}
	if m.Waiting() && m.now.UnixMilli()/100 != before.UnixMilli()/100 {
		m.happen(Tick{})
	}
	if m.now.Unix() != before.Unix() {
		m.happen(Memory{Resident: opt.Of(uint64(1 << 30))})
		m.happen(Second{})
	}
	if m.IntN(20) == 0 {
		m.happen(Scraped{})
	}
}

// life is what the server and its children do by themselves.
func (m *model) life() {
	r := m.run
	r.commands++
	switch n := m.IntN(100); {
	case !r.alive:
		if n < 20 {
			m.start()
		}
	case n < 4 && (!m.calm || !m.uncertain()):
		r.latest = time.Duration(1+m.IntN(9)) * time.Millisecond
		k := m.child(true, true)
		r.forks = append(r.forks, k)
	case n == 5 && m.helpers:
		m.child(false, false)
	case n == 6 && m.copies:
		m.child(false, true)
	case n == 7 && m.resets:
		r.offset, r.commands = len(r.forks), 0
		m.known = false
	case n == 8 && m.restarts && m.IntN(3) == 0:
		m.end()
	}
	for _, k := range m.children {
		switch {
		case m.IntN(15) == 0:
			m.die(k)
		case k.died.Present() && (m.IntN(4) == 0 || !k.process.alive):
			k.reaped = true
		}
	}
}

// uncertain reports whether the loop may not know yet from which count on it sees forks.
func (m *model) uncertain() bool {
	a, _ := m.answered.Get()
	return m.baseline || m.last != m.run && a.run == m.run
}

func (m *model) start() {
	m.pid += 1000
	m.run = &run{id: string(rune('a' + len(m.runs)%26)), pid: m.pid, alive: true}
	m.runs = append(m.runs, m.run)
}

func (m *model) child(isFork, isCopy bool) *kid {
	m.pid++
	k := &kid{pid: m.pid, born: m.now, start: m.now.Truncate(10 * time.Millisecond), process: m.run, isFork: isFork, isCopy: isCopy}
	for _, o := range m.all {
		if o.isFork != isFork && m.now.Sub(o.born) < 500*time.Millisecond {
			m.known = false // which of the two has the server counted?
		}
	}
	m.all = append(m.all, k)
	m.children = append(m.children, k)
	return k
}

func (m *model) die(k *kid) {
	if !k.died.Present() {
		k.died = opt.Of(m.now)
	}
}

// end ends the server's process, and its children by and by.
func (m *model) end() {
	m.run.alive = false
	m.exited = m.watched == m.run
	for _, k := range m.children {
		if !k.isFork { // nobody can tell it from a fork that was not counted yet
			m.known = false
		}
	}
}

// info is the asker and the server's answers.
func (m *model) info() {
	switch {
	case !m.asking || m.IntN(3) == 0:
	case m.sent.IsZero():
		m.sent = m.now
	case !m.answered.Present():
		if !m.run.alive {
			m.sent = time.Time{}
			m.post(func() { m.asking = false; m.happen(Failed{Reason: "unreachable", Problem: "gone"}) })
			m.sent = m.now.Add(time.Hour) // posted: nothing is asked before it is taken
			m.answered = opt.Of(said{})
			return
		}
		r := m.run
		m.answered = opt.Of(said{r, len(r.forks), redisinfo.Info{
			RunID: r.id, TotalForks: opt.Of(uint64(len(r.forks) - r.offset)),
			LatestFork: opt.Of(r.latest), CommandsProcessed: opt.Of(r.commands),
		}})
	default:
		a, _ := m.answered.Get()
		if a.run == nil {
			return
		}
		sent, at := m.sent, m.now
		m.answered = opt.Of(said{})
		m.post(func() { m.replied(a, sent, at) })
	}
}

func (m *model) post(e func()) { m.queue = append(m.queue, e) }

// replied is what the loop does with an answer.
func (m *model) replied(a said, sent, at time.Time) {
	if m.exited && m.last != nil && m.last.id != a.run.id {
		m.exit()
	}
	m.asking = false
	from := a.run.replied
	if m.last == nil || m.baseline && m.last == a.run {
		from = a.forks
		for _, k := range a.run.forks {
			if !k.born.After(at) && k.seenAt.After(sent) || !k.seen && !k.reaped {
				m.known = false // is it in the count to start from?
			}
		}
	}
	for _, k := range a.run.forks[min(from, a.forks):a.forks] {
		k.covered = true
	}
	m.baseline = false
	m.last, a.run.replied = a.run, a.forks
	m.happen(Replied{Sent: sent, At: at, Info: a.info})
}

// exit is what the loop does when it hears of the end of the server's process.
func (m *model) exit() {
	m.exited = false
	m.happen(Exited{At: m.now})
}

// poll looks for children of the process that is watched.
func (m *model) poll() {
	of, seen := m.watched, m.now
	if of == nil || !of.alive {
		return
	}
	for _, k := range m.children {
		if k.process != of || k.seen || k.reaped {
			continue
		}
		k.seen, k.seenAt = true, m.now
		m.post(func() {
			if m.watched == of {
				m.born(k, seen, false)
			}
		})
	}
}

func (m *model) born(k *kid, seen time.Time, partial bool) {
	if !k.isCopy && m.IntN(2) == 0 {
		return // known at once for what it is
	}
	k.id = fork.ID(k.start, k.pid)
	m.records[k.id] = &record{kid: k}
	m.happen(Born{PID: k.pid, Start: k.start, Seen: seen, Partial: partial})
}

// follow posts what the followers of children see.
func (m *model) follow() {
	for _, k := range m.children {
		id, died := k.id, k.died
		switch {
		case id == "" || k.told.reaped || m.IntN(3) == 0:
		case k.told.died && (k.reaped || m.now.Sub(died.Or(m.now)) > 5*time.Second):
			k.told.reaped = true
			at := m.now
			m.post(func() { m.happen(Reaped{ID: id, At: at, Exit: opt.Of(fork.Exit{})}) })
			m.post(func() { m.happen(Tailed{ID: id}) })
		case k.told.died:
		case died.Present():
			k.told.died = true
			m.post(func() { m.happen(Died{ID: id, At: died.Or(m.now)}) })
		case !k.isCopy && !k.told.helper:
			k.told.helper = true
			m.post(func() { m.happen(NotAFork{ID: id, Why: "the child runs another program"}) })
		case m.IntN(4) == 0:
			m.post(func() { m.happen(Titled{ID: id, Kind: fork.KindRDB}) })
		default:
			m.post(func() {
				m.happen(Point{ID: id, Readings: fork.Readings{Private: opt.Of(fork.Sample{Time: m.now, PrivateDirty: 1})}})
			})
		}
	}
	m.children = slices.DeleteFunc(m.children, func(k *kid) bool { return k.reaped && (k.id == "" && !k.seen || k.told.reaped) })
}

// happen applies e, and carries out what it calls for.
func (m *model) happen(e Event) {
	actions := m.Apply(e, m.now)
	if err := m.Check(); err != nil {
		m.Fatalf("seed %d, after %T %+v: %v", m.seed, e, e, err)
	}
	for _, a := range actions {
		m.carryOut(a)
	}
}

func (m *model) carryOut(a Action) {
	expect := func(ok bool) {
		if !ok {
			m.Fatalf("seed %d: unexpected %T %+v", m.seed, a, a)
		}
	}
	open := func(id string) *record {
		r := m.records[id]
		expect(r != nil && !r.closed && !r.dropped)
		return r
	}
	switch a := a.(type) {
	case Ask:
		expect(!m.asking)
		m.asking, m.sent, m.answered = true, time.Time{}, opt.Val[said]{}
	case Find:
		expect(m.watched == nil)
		m.find()
	case Detach:
		expect(m.watched != nil)
		m.watched, m.exited = nil, false
	case Verify:
		m.happen(Verified{ID: a.ID, Copy: open(a.ID).kid.isCopy})
	case Opened:
		open(a.Record.ID)
	case Drawn:
		expect(!open(a.ID).ended)
	case LinesEnded:
		r := open(a.ID)
		expect(!r.ended)
		r.ended = true
	case Closed:
		open(a.Record.ID).closed = true
	case Dropped:
		open(a.ID).dropped = true
	case Release:
		r := m.records[a.ID]
		expect(r != nil && (r.closed || r.dropped) && !r.released)
		r.released = true
	}
}

func (m *model) find() {
	if r := m.last; r.alive && m.IntN(5) > 0 {
		first := len(m.records) == 0 && len(m.runs) == 1
		m.watched = r
		m.happen(Found{PID: r.pid})
		for _, k := range m.children {
			if k.process != r || k.reaped || k.seen {
				continue
			}
			if first || !k.isFork || !k.covered {
				m.known = false // it may be taken for another fork that was counted
			}
			k.seen, k.seenAt = true, m.now
			m.born(k, m.now, true)
		}
		m.baseline = true
	} else {
		m.happen(NotFound{Problem: "no process"})
	}
	m.happen(Searched{})
}

// judge compares what is left with what has happened.
func (m *model) judge() {
	if len(m.Open()) > 0 || m.Waiting() {
		m.Fatalf("seed %d: at the end %d records are open; waiting: %v", m.seed, len(m.Open()), m.Waiting())
	}
	closed, forks := 0, 0
	followed := map[*kid]bool{}
	for id, r := range m.records {
		if !r.released || r.closed == r.dropped {
			m.Fatalf("seed %d: fork %s: %+v", m.seed, id, r)
		}
		if r.closed {
			closed++
			followed[r.kid] = true
			if !r.kid.isCopy {
				m.known = false // it has died before anybody knew it for what it is
			}
		}
	}
	total := m.State().Totals
	var children uint64
	for _, n := range total.Children {
		children += n
	}
	if int(children) != closed {
		m.Fatalf("seed %d: %d children in the totals, %d records closed", m.seed, children, closed)
	}
	if !m.known {
		return
	}
	for _, r := range m.runs {
		for _, k := range r.forks {
			if k.covered && !followed[k] {
				forks++
			}
		}
	}
	forks += closed
	if got := int(children + total.UnobservedChild); got != forks {
		m.Errorf("seed %d: %d children followed + %d unobserved, want %d", m.seed, children, total.UnobservedChild, forks)
	}
	if got := int(total.Stall.Count + total.UnobservedDuration); got != forks {
		m.Errorf("seed %d: %d stalls observed + %d unobserved, want %d", m.seed, total.Stall.Count, total.UnobservedDuration, forks)
	}
}
