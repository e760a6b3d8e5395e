package curve

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
)

const dirtyName = "redis_fork_curve_private_dirty_bytes"

// site is a handler over a store with servers whose forks the test makes up.
type site struct {
	*testing.T
	h       http.Handler
	store   *history.Store
	servers []*storetest.Server
	forks   []string
	value   uint64
}

func newSite(t *testing.T, names ...string) *site {
	s := &site{T: t, store: history.New()}
	for _, name := range names {
		s.servers = append(s.servers, storetest.Add(s.store, name))
	}
	s.h = New(s.store.Feeds)
	for _, server := range s.servers {
		s.forks = append(s.forks, server.Born(1, fork.KindRDB))
	}
	return s
}

// run adds n points of private dirty memory to each server, every apart, with
// values that count up.
func (s *site) run(n int, every time.Duration) {
	for range n {
		time.Sleep(every)
		for i, server := range s.servers {
			s.value++
			server.Private(s.forks[i], fork.Sample{Time: time.Now(), Source: fork.SourceCounters, PrivateDirty: s.value})
		}
	}
}

func request(query, from string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/curve"+query, http.NoBody)
	r.RemoteAddr = from
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// get gets the points of private dirty memory.
func (s *site) get(query, from string, header ...string) []point {
	s.Helper()
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, request(query, from, header...))
	if w.Code != http.StatusOK {
		s.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
		s.Errorf("Content-Length %s of %d", got, w.Body.Len())
	}
	return parse(s.T, w.Body.String())
}

// values are the values of points.
func values(points []point) []uint64 {
	var out []uint64
	for _, p := range points {
		out = append(out, p.value)
	}
	return out
}

func upTo(from, to uint64) []uint64 {
	var out []uint64
	for v := from; v <= to; v++ {
		out = append(out, v)
	}
	return out
}

func (s *site) want(got []point, want []uint64) {
	s.Helper()
	if diff := cmp.Diff(want, values(got)); diff != "" {
		s.Errorf("values (-want +got):\n%s", diff)
	}
}

type point struct {
	server string
	millis int64
	value  uint64
}

// parse reads the text format's points of private dirty memory, in their order.
func parse(t *testing.T, text string) []point {
	t.Helper()
	var out []point
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, dirtyName+`{server="`)
		if !ok {
			continue
		}
		var p point
		server, rest, _ := strings.Cut(rest, `"} `)
		p.server = server
		if _, err := fmt.Sscanf(rest, "%d %d\n", &p.value, &p.millis); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, p)
	}
	return out
}

const (
	alice = "10.0.0.1:5000"
	bob   = "10.0.0.2:5000"
)

func TestPlainGetShowsTheLastMinuteAndChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(100, time.Second)
		for range 2 {
			s.want(s.get("", alice), upTo(40, 100)) // points 40, exactly 60 s old, to 100
		}
		s.want(s.get("?reader=p", alice), upTo(40, 100))
		s.run(1, time.Second)
		s.get("", alice)
		w := httptest.NewRecorder()
		head := request("?reader=p", alice)
		head.Method = http.MethodHead
		s.h.ServeHTTP(w, head)
		if w.Code != http.StatusOK {
			t.Errorf("HEAD: %d", w.Code)
		}
		s.want(s.get("?reader=p", alice), upTo(101, 101))
	})
}

// Of more than a response may have, who only looks sees the end.
func TestPlainGetIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(9000, 5*time.Millisecond)
		s.want(s.get("", alice), upTo(4001, 9000))
	})
}

func TestReaderGetsEachPointOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(10, 100*time.Millisecond)
		s.want(s.get("?reader=p", alice), upTo(0, 10))
		s.want(s.get("?reader=p", alice), nil)
		s.run(3, 100*time.Millisecond)
		s.want(s.get("?reader=p", "10.0.0.1:6000"), upTo(11, 13)) // from another port
		s.run(2, 100*time.Millisecond)
		s.want(s.get("?reader=p", "[::ffff:10.0.0.1]:6000"), upTo(14, 15)) // through a socket for both families
	})
}

func TestNewReaderStartsAMinuteBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(100, time.Second)
		s.want(s.get("?reader=p", alice), upTo(40, 100))
	})
}

func TestPlacePerNameAndAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(5, time.Second)
		s.get("?reader=p", alice)
		s.get("?reader=p", bob)
		for i := range uint64(5) { // a pair with one configuration, at different times
			s.run(1, time.Second)
			s.want(s.get("?reader=p", alice), upTo(6+2*i, 6+2*i))
			s.run(1, time.Second)
			s.want(s.get("?reader=p", bob), upTo(6+2*i, 7+2*i))
			s.want(s.get("?reader=p", alice), upTo(7+2*i, 7+2*i))
		}
		s.want(s.get("?reader=other", alice), upTo(0, 15))
	})
}

func TestNewAddressGoesOnFromTheNewestPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(5, time.Second)
		s.get("?reader=p", alice)
		s.run(5, time.Second)
		s.get("?reader=p", bob) // further than alice
		s.run(300, time.Second)
		s.want(s.get("?reader=p", "10.0.0.3:1"), upTo(11, 310)) // and not only a minute back
		s.want(s.get("?reader=p", alice), upTo(6, 310))
	})
}

func TestReadersAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(10, time.Second)
		s.get("?reader=p", alice)
		s.run(29*60, time.Second)
		s.want(s.get("?reader=p", alice), upTo(11, 1750)) // 29 minutes: everything
		s.run(30*60+1, time.Second)
		s.want(s.get("?reader=p", alice), upTo(3551-60, 3551)) // a new reader
	})
}

// Two hours away: nothing that is older than half an hour, whatever has become of
// the place.
func TestNothingIsOlderThanHalfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(10, time.Second)
		s.get("?reader=p", alice)
		s.run(2*60*60, time.Second)
		oldest := time.Now().Add(-30 * time.Minute).UnixMilli()
		for _, query := range []string{"?reader=p", "?reader=q", ""} {
			got := s.get(query, alice)
			if len(got) == 0 || got[0].millis < oldest {
				t.Errorf("%q: %d points", query, len(got))
			}
		}
		// A place that is kept and far back.
		h := s.h.(*handler)
		h.readers.known[reader{"p", "10.0.0.1"}].next = place{}
		got := s.get("?reader=p", alice)
		if len(got) != 1801 || got[0].millis != oldest {
			t.Errorf("%d points, the oldest %d ms older than it may be", len(got), oldest-got[0].millis)
		}
	})
}

func TestResponsesAreBoundedOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "a", "b", "c")
		s.get("?reader=p", alice)
		s.run(4000, 100*time.Millisecond) // 12,000 points, and a zero before each birth
		var all []point
		newest := int64(0)
		for _, want := range []int{5000, 5000, 2003, 0} {
			got := s.get("?reader=p", alice)
			if len(got) != want {
				t.Fatalf("%d points, want %d", len(got), want)
			}
			for _, p := range got {
				if p.millis < newest {
					t.Fatalf("%+v comes after a response that ended at %d", p, newest)
				}
			}
			for _, p := range got {
				newest = max(newest, p.millis)
			}
			all = append(all, got...)
		}
		byServer := map[string][]point{}
		for _, p := range all {
			byServer[p.server] = append(byServer[p.server], p)
		}
		for server, points := range byServer {
			if len(points) != 4001 || !slices.IsSortedFunc(points, func(a, b point) int { return int(a.millis - b.millis) }) {
				t.Errorf("%s: %d points, or not in order", server, len(points))
			}
		}
		if len(byServer) != 3 {
			t.Errorf("%d servers", len(byServer))
		}
	})
}

// A point that comes to a line after later ones of others were read is not lost.
func TestLatePointsAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "a", "b")
		s.run(1, time.Second)
		s.get("?reader=p", alice)
		early := time.Now()
		time.Sleep(time.Second)
		s.servers[0].Private(s.forks[0], fork.Sample{Time: time.Now(), Source: fork.SourceCounters, PrivateDirty: 100})
		s.want(s.get("?reader=p", alice), []uint64{100})
		s.servers[1].Private(s.forks[1], fork.Sample{Time: early.Add(time.Millisecond), Source: fork.SourceCounters, PrivateDirty: 200})
		s.want(s.get("?reader=p", alice), []uint64{200})
	})
}

func TestTooManyReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(1, time.Second)
		for i := range maxReaders {
			time.Sleep(time.Second)
			s.get(fmt.Sprint("?reader=p", i), alice)
		}
		refused := func(from string) *httptest.ResponseRecorder {
			t.Helper()
			w := httptest.NewRecorder()
			s.h.ServeHTTP(w, request("?reader=more", from))
			if w.Code != http.StatusTooManyRequests {
				t.Fatalf("%d, want 429", w.Code)
			}
			return w
		}
		w := refused(alice)
		if got := w.Body.String(); !strings.Contains(got, "16 readers") || !strings.Contains(got, "29m45s") {
			t.Errorf("it says %q", got)
		}
		wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if err != nil {
			t.Fatal(err)
		}
		s.run(1, time.Second)
		refused(bob)
		s.want(s.get("?reader=p0", alice), upTo(2, 2)) // those who have a place keep it
		s.want(s.get("", alice), upTo(0, 2))           // and looking needs none
		refused(alice)
		time.Sleep(time.Duration(wait) * time.Second) // p1 is the longest idle now, by a second
		s.get("?reader=more", alice)
		refused(bob)
	})
}

func TestNames(t *testing.T) {
	s := newSite(t, "s")
	for query, want := range map[string]int{
		"?reader=prometheus-1.example:9090_x":    http.StatusOK,
		"?reader=" + strings.Repeat("x", 64):     http.StatusOK,
		"?reader=" + strings.Repeat("x", 65):     http.StatusBadRequest,
		"?reader=":                               http.StatusBadRequest,
		"?reader":                                http.StatusBadRequest,
		"?reader=a&reader=b":                     http.StatusBadRequest,
		"?reader=a%20b":                          http.StatusBadRequest,
		"?reader=a%0Ab":                          http.StatusBadRequest,
		"?reader=%C3%A4":                         http.StatusBadRequest,
		"?reader=%3Cscript%3E":                   http.StatusBadRequest,
		"?other=1":                               http.StatusOK,
		"?reader=" + strings.Repeat("%00", 1000): http.StatusBadRequest,
	} {
		w := httptest.NewRecorder()
		s.h.ServeHTTP(w, request(query, alice))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", query, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	post := request("?reader=p", alice)
	post.Method = http.MethodPost
	s.h.ServeHTTP(w, post)
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// broken is a connection that breaks after some bytes, or when flushed.
type broken struct {
	*httptest.ResponseRecorder
	room    int
	noFlush bool
}

var errBroken = errors.New("broken pipe")

func (b *broken) Write(p []byte) (int, error) {
	n := min(len(p), b.room)
	b.room -= n
	if n < len(p) {
		return n, errBroken
	}
	return n, nil
}

func (b *broken) FlushError() error {
	if b.noFlush {
		return errBroken
	}
	return nil
}

func TestWhatWasCutOffIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(100, time.Second)
		cut := func() {
			for _, w := range []*broken{{room: 0}, {room: 500}, {room: 1 << 20, noFlush: true}} {
				w.ResponseRecorder = httptest.NewRecorder()
				s.h.ServeHTTP(w, request("?reader=p", alice))
			}
		}
		cut() // a new reader's first scrape: it is known from then on
		s.run(200, time.Second)
		s.want(s.get("?reader=p", alice), upTo(40, 300))
		s.run(5, time.Second)
		cut()
		s.run(5, time.Second)
		s.want(s.get("?reader=p", alice), upTo(301, 310))
	})
}

// A real connection that its client closes after the headers.
func TestClientThatLeaves(t *testing.T) {
	s := newSite(t, "s")
	at := time.Now()
	for i := range maxPoints - 1 { // and the zero before the birth
		at = at.Add(time.Millisecond)
		s.servers[0].Private(s.forks[0], fork.Sample{Time: at, Source: fork.SourceCounters, PrivateDirty: uint64(i) + 1})
	}
	served := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.h.ServeHTTP(w, r)
		served <- struct{}{}
	}))
	server.Listener = narrow{server.Listener}
	server.Start()
	defer server.Close()

	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /curve?reader=p HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	headers := make([]byte, 100)
	if _, err := io.ReadFull(conn, headers); err != nil || !strings.HasPrefix(string(headers), "HTTP/1.1 200 OK") {
		t.Fatalf("%q %v", headers, err)
	}
	conn.Close()
	<-served

	for _, want := range []int{maxPoints, 0} {
		resp, err := server.Client().Get(server.URL + "/curve?reader=p")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		<-served
		if err != nil {
			t.Fatal(err)
		}
		if got := len(parse(t, string(body))); got != want {
			t.Errorf("%d points, want %d", got, want)
		}
	}
}

// narrow gives the server's end of a connection little room, so that a response
// is not gone before its client has read any of it.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
}

// Two responses to one reader at the same time: its place is after both.
func TestPlaceNeverMovesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "s")
		s.run(1, time.Second)
		h := s.h.(*handler)
		who := reader{"p", "10.0.0.1"}
		feeds := s.store.Feeds()
		from, err := h.readers.visit(who, feeds, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, first := take(feeds, from, maxPoints)
		s.run(1, time.Second)
		s.want(s.get("?reader=p", alice), upTo(0, 2))
		h.readers.move(who, first)
		s.want(s.get("?reader=p", alice), nil)
		h.readers.move(reader{"stranger", ""}, first) // forgotten while it was written to
		if got := slices.Collect(maps.Keys(h.readers.known)); len(got) != 1 {
			t.Errorf("readers %v", got)
		}
	})
}

func TestConcurrentReaders(t *testing.T) {
	s := newSite(t, "a", "b")
	var readers sync.WaitGroup
	stop := make(chan struct{})
	got := make([]int, 4)
	for i := range got {
		readers.Go(func() {
			for last := false; ; {
				w := httptest.NewRecorder()
				s.h.ServeHTTP(w, request("?reader=p", fmt.Sprintf("10.0.0.%d:1", i)))
				got[i] += strings.Count(w.Body.String(), dirtyName+"{")
				s.h.ServeHTTP(httptest.NewRecorder(), request("", alice))
				if last {
					return
				}
				select {
				case <-stop:
					last = true
				default:
				}
			}
		})
	}
	for i := range got { // each has a place before the first point
		deadline := time.Now().Add(30 * time.Second)
		for {
			h := s.h.(*handler)
			h.readers.mu.Lock()
			known := h.readers.known[reader{"p", fmt.Sprintf("10.0.0.%d", i)}] != nil
			h.readers.mu.Unlock()
			if known {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("a reader never came")
			}
			time.Sleep(time.Millisecond)
		}
	}
	s.run(500, 0)
	close(stop)
	readers.Wait()
	for i, n := range got {
		if n != 2*501 {
			t.Errorf("reader %d got %d points, want %d", i, n, 2*501)
		}
	}
}
