package exporter

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/curve"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// curvePoint is a point as a reader of /curve got it.
type curvePoint struct {
	Millis int64
	Value  uint64
}

// curveOf keeps points by metric.
type curveOf map[string][]curvePoint

const (
	curveDirty    = "redis_fork_curve_private_dirty_bytes"
	curveCopied   = "redis_fork_curve_copied_bytes"
	curveResident = "redis_fork_curve_resident_bytes"
)

// read adds what a response of the text format has.
func (c curveOf) read(body io.Reader) error {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		name, rest, _ := strings.Cut(lines.Text(), "{")
		_, rest, _ = strings.Cut(rest, "} ")
		var p curvePoint
		if _, err := fmt.Sscan(rest, &p.Value, &p.Millis); err != nil {
			return fmt.Errorf("%q: %w", lines.Text(), err)
		}
		c[name] = append(c[name], p)
	}
	return lines.Err()
}

// readCurve gets what /curve has for a reader; none: a plain look.
func (r *running) readCurve(reader string, into curveOf) {
	r.t.Helper()
	path := "/curve"
	if reader != "" {
		path += "?reader=" + reader
	}
	resp, err := r.get(path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%s answers %s", path, resp.Status)
	}
	if err := into.read(resp.Body); err != nil {
		r.t.Fatal(err)
	}
}

// narrow gives the exporter's end of a connection little room: a response is not
// gone before its client has read some of it.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
}

// cutOff begins to read /curve and leaves after the first bytes.
func (r *running) cutOff(reader string) {
	r.t.Helper()
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { // before it connects: that is when the room is offered
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		}); e != nil {
			return e
		}
		return err
	}}
	conn, err := d.DialContext(r.t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /curve?reader="+reader+" HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		r.t.Fatal(err)
	}
	first := make([]byte, 200)
	if _, err := io.ReadFull(conn, first); err != nil || !strings.HasPrefix(string(first), "HTTP/1.1 200 OK") {
		r.t.Fatalf("%q %v", first, err)
	}
}

// fromElsewhere leads to the exporter from another address than the test's own,
// 127.0.0.2, as if the client were another machine's, and makes it ask for the
// other format.
func fromElsewhere(t *testing.T, exporter string) string {
	t.Helper()
	target, err := url.Parse(exporter)
	if err != nil {
		t.Fatal(err)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	transport := &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Header.Set("Accept", "text/plain;version=0.0.4")
		},
	})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// promServer is a real one that scrapes /curve.
type promServer struct {
	t    *testing.T
	url  string
	log  string
	http *http.Client
}

// startPrometheus runs a Prometheus until the test ends. It scrapes every 5 s.
func startPrometheus(t *testing.T, target string) *promServer {
	t.Helper()
	binary := testutil.Program(t, "prometheus", "prometheus")
	port, err := redisrun.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 5s, scrape_timeout: 5s}
scrape_configs:
  - job_name: redis_fork_curve
    metrics_path: /curve
    params: {reader: [prometheus]}
    static_configs: [{targets: [%q]}]
`, strings.TrimPrefix(target, "http://")), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p := &promServer{
		t: t, url: "http://" + addr, log: filepath.Join(dir, "log"),
		http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience},
	}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(t.Context(), binary,
		"--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // t's context has ended, and with it the process
		if t.Failed() {
			t.Logf("log of prometheus:\n%s", p.logged())
		}
	})
	return p
}

func (p *promServer) logged() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (p *promServer) get(path string) (string, error) {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return string(body), err
}

// points are all that Prometheus has of a metric, which is one series.
func (p *promServer) points(metric string) ([]curvePoint, error) {
	body, err := p.get("/api/v1/query?query=" + url.QueryEscape(metric+"[10m]"))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Values [][2]any `json:"values"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, err
	}
	var out []curvePoint
	if n := len(answer.Data.Result); n > 1 {
		return nil, fmt.Errorf("%d series of %s", n, metric)
	} else if n == 0 {
		return nil, nil
	}
	for _, v := range answer.Data.Result[0].Values {
		value, err := strconv.ParseFloat(v[1].(string), 64)
		if err != nil {
			return nil, err
		}
		out = append(out, curvePoint{int64(math.Round(v[0].(float64) * 1000)), uint64(value)})
	}
	return out, nil
}

// refused tells whether Prometheus refused any point: its log's lines, and its
// own counters.
func (p *promServer) refused() []string {
	p.t.Helper()
	var out []string
	for line := range strings.Lines(p.logged()) {
		if strings.Contains(line, "Error on ingesting") || strings.Contains(line, "Append failed") {
			out = append(out, line)
		}
	}
	body, err := p.get("/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	counters := 0
	for line := range strings.Lines(body) {
		for _, reason := range []string{"out_of_order", "duplicate_timestamp", "out_of_bounds"} {
			if rest, ok := strings.CutPrefix(line, "prometheus_target_scrapes_sample_"+reason+"_total "); ok {
				counters++
				if strings.TrimSpace(rest) != "0" {
					out = append(out, line)
				}
			}
		}
	}
	if counters != 3 {
		p.t.Fatalf("%d of 3 counters of refused samples", counters)
	}
	return out
}

// fromRecords is what the forks' records, which come by another way, say that
// the lines must be.
func fromRecords(forks []fork.Record) (dirty, copied []uint64) {
	for _, f := range forks {
		dirty = append(dirty, 0)
		for _, p := range f.Curve {
			dirty = append(dirty, p.PrivateDirty)
		}
		dirty = append(dirty, 0)
		copied = append(copied, 0)
		for _, p := range f.CopiedCurve {
			copied = append(copied, p.Bytes)
		}
		copied = append(copied, 0)
	}
	return dirty, copied
}

// Two Prometheus with one configuration follow ten saves, while others look,
// read and leave in the middle: each gets every point.
func TestCurveInPrometheus(t *testing.T) {
	const saves = 10
	s, r := startPair(t, redisrun.Options{}, sparing, func(c *Config) { c.Listener = narrow{c.Listener} })
	const keys, size = 25_000, 200
	if err := redisrun.Fill(t.Context(), s.Client(), keys, size); err != nil {
		t.Fatal(err)
	}
	set(t, s, "rdb-key-save-delay", "50") // some 2.5 s a save
	pair := map[string]*promServer{"OpenMetrics": startPrometheus(t, r.url), "text": startPrometheus(t, fromElsewhere(t, r.url))}
	truth := curveOf{}
	r.readCurve("truth", truth)
	for name, p := range pair {
		// A first visit after another's of the same name would begin where that one is.
		r.await(name+": Prometheus has scraped", func() bool {
			body, err := p.get("/api/v1/query?query=up")
			return err == nil && strings.Contains(body, `"1"]`)
		})
	}

	load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 2000, Keys: keys, ValueSize: size})
	defer load.Stop()
	var forks []fork.Record
	for n := range saves {
		do(t, s, "BGSAVE")
		r.await("the save has ended", func() bool {
			r.readCurve("truth", truth)
			r.readCurve("", curveOf{})
			forks = r.forks()
			return len(forks) > n
		})
		if n == saves/2 {
			r.cutOff("leaver")
		}
	}
	if err := load.Stop(); err != nil {
		t.Fatal(err)
	}
	r.readCurve("truth", truth)

	dirty, copied := fromRecords(forks)
	for metric, want := range map[string][]uint64{curveDirty: dirty, curveCopied: copied} {
		var got []uint64
		for _, p := range truth[metric] {
			got = append(got, p.Value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s differs from the records (-records +curve):\n%s", metric, diff)
		}
		if len(got) < saves*15 { // 2.5 s with a point every 100 ms, and a machine that is busy
			t.Errorf("%s has %d points: too few to show anything", metric, len(got))
		}
	}
	for metric, points := range truth {
		for i := 1; i < len(points); i++ {
			if points[i].Millis <= points[i-1].Millis {
				t.Errorf("%s goes back from %d to %d", metric, points[i-1].Millis, points[i].Millis)
			}
		}
	}
	leaver := curveOf{}
	r.readCurve("leaver", leaver)
	if diff := cmp.Diff(truth, leaver); diff != "" {
		t.Errorf("a reader that was cut off has lost points (-all +got):\n%s", diff)
	}
	for name, p := range pair {
		for _, metric := range []string{curveDirty, curveCopied, curveResident} {
			var got []curvePoint
			var err error
			deadline := time.Now().Add(patience)
			for len(got) < len(truth[metric]) && time.Now().Before(deadline) {
				if got, err = p.points(metric); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if diff := cmp.Diff(truth[metric], got); diff != "" {
				t.Errorf("%s: Prometheus has not all of %s (-all +got):\n%s", name, metric, diff)
			}
		}
		if refused := p.refused(); len(refused) > 0 {
			t.Errorf("%s: Prometheus refused points:\n%s", name, strings.Join(refused, "\n"))
		}
	}
	t.Logf("points: %d private dirty, %d copied, %d resident", len(truth[curveDirty]), len(truth[curveCopied]), len(truth[curveResident]))
}

// A Prometheus that comes back just before it is forgotten gets what is kept, half an hour:
// a real one takes all of it, though it is that much older than its newest samples.
func TestCurveAfterAnAbsence(t *testing.T) {
	start := time.Now()
	// The last point before it went away, and the half hour before it came back.
	kept := history.FeedLine{Points: []history.FeedPoint{{Millis: start.Add(-2 * time.Hour).UnixMilli(), Bytes: 1}}}
	back := history.FeedLine{First: 1}
	for at := history.FeedTime - time.Minute; at > 0; at -= time.Second {
		back.Points = append(back.Points, history.FeedPoint{Millis: start.Add(-at).UnixMilli(), Bytes: uint64(at)})
	}
	var returned atomic.Bool
	site := httptest.NewServer(curve.New(func() []history.Feed {
		f := history.Feed{Server: "s"}
		f.Lines[fork.LinePrivateDirty] = kept
		if returned.Load() {
			f.Lines[fork.LinePrivateDirty] = back
		}
		return []history.Feed{f}
	}))
	t.Cleanup(site.Close)
	p := startPrometheus(t, site.URL)
	value := func(expr string) string {
		body, err := p.get("/api/v1/query?query=" + url.QueryEscape(expr))
		if err != nil {
			return err.Error()
		}
		var answer struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Data.Result) != 1 {
			return body
		}
		return fmt.Sprint(answer.Data.Result[0].Value[1])
	}
	await := func(expr, want string) {
		t.Helper()
		for deadline := time.Now().Add(patience); value(expr) != want; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is %s, want %s", expr, value(expr), want)
			}
		}
	}
	await("scrape_samples_scraped", "0") // it has a place now
	returned.Store(true)
	await("count_over_time("+curveDirty+"[1h])", strconv.Itoa(len(back.Points)))
	if refused := p.refused(); len(refused) > 0 {
		t.Errorf("Prometheus refused points:\n%s", strings.Join(refused, ""))
	}
}
