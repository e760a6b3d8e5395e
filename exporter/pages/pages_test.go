package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/api"
	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/pages"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

func handler(src pages.Source) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", api.New(src, nil)) // which the pages link to
	mux.Handle("/", pages.New(src, pages.Options{
		Version: "1.2.3", Now: func() time.Time { return now },
		Links: []pages.Link{{Text: "Documentation", URL: "https://example.org/docs", Note: "every metric"}},
	}))
	return mux
}

func ask(t *testing.T, src pages.Source, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler(src).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return w
}

func get(t *testing.T, src pages.Source, target string, status int) string {
	t.Helper()
	w := ask(t, src, http.MethodGet, target)
	if w.Code != status {
		t.Fatalf("GET %s: status %d, want %d\n%s", target, w.Code, status, w.Body)
	}
	return w.Body.String()
}

// has fails for each wanted text that the body lacks.
func has(t *testing.T, body string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(body, w) {
			t.Errorf("no %q", w)
		}
	}
}

// lacks fails for each text that must not be there.
func lacks(t *testing.T, body string, unwanted ...string) {
	t.Helper()
	for _, u := range unwanted {
		if strings.Contains(body, u) {
			t.Errorf("%q is there", u)
		}
	}
}

func TestStatusAndType(t *testing.T) {
	const html, svg, js, css = "text/html; charset=utf-8", "image/svg+xml", "application/json", "text/css; charset=utf-8"
	id := forktest.Saved(now).ID
	for _, c := range []struct {
		method, target string
		status         int
		contentType    string
	}{
		{"GET", "/", 200, html},
		{"HEAD", "/", 200, html},
		{"GET", "/forks", 200, html},
		{"HEAD", "/forks", 200, html},
		{"GET", "/forks?server=cache-a:6379&kind=rdb&outcome=ok", 200, html},
		{"GET", "/forks?server=&kind=&outcome=", 200, html},
		{"GET", "/forks?kind=sprout", 400, html},
		{"GET", "/forks/" + id, 200, html},
		{"HEAD", "/forks/" + id, 200, html},
		{"GET", "/forks/" + id + ".svg", 200, svg},
		{"HEAD", "/forks/" + id + ".svg", 200, svg},
		{"GET", "/forks/12-34", 404, html},
		{"GET", "/forks/12-34.svg", 404, html},
		{"GET", "/forks/", 404, html},
		{"GET", "/forks/a/b", 404, html},
		{"GET", "/nothing", 404, html},
		{"GET", "/api/v1/forks", 200, js},
		{"HEAD", "/api/v1/forks", 200, js},
		{"GET", "/api/v1/forks/" + id, 200, js},
		{"GET", "/api/v1/forks/12-34", 404, js},
		{"GET", "/api/v2/forks", 404, js},
		{"GET", "/api/v1/forks?limit=0", 400, js},
		{"GET", "/api/v1/forks?limit=x", 400, js},
		{"GET", "/api/v1/forks?limit=-1", 400, js},
		{"GET", "/api/v1/forks?kind=RDB", 400, js},
		{"GET", "/api/v1/forks?outcome=fine", 400, js},
		{"GET", "/api/v1/forks?sever=a", 400, js},
		{"GET", "/api/v1/forks?kind=rdb&kind=aof", 400, js},
		{"GET", "/static/style.css", 200, css},
		{"POST", "/", 405, ""},
		{"POST", "/forks", 405, ""},
		{"DELETE", "/forks/" + id, 405, ""},
		{"PUT", "/api/v1/forks", 405, ""},
		{"PATCH", "/static/style.css", 405, ""},
	} {
		w := ask(t, full(), c.method, c.target)
		if w.Code != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.target, w.Code, c.status)
		}
		if got := w.Header().Get("Content-Type"); c.contentType != "" && got != c.contentType {
			t.Errorf("%s %s: type %q, want %q", c.method, c.target, got, c.contentType)
		}
		if c.status == 405 && !strings.Contains(w.Header().Get("Allow"), "GET") {
			t.Errorf("%s %s: Allow is %q", c.method, c.target, w.Header().Get("Allow"))
		}
	}
}

// HEAD over a real connection must have GET's headers and no body.
func TestHead(t *testing.T) {
	srv := httptest.NewServer(handler(full()))
	defer srv.Close()
	for _, path := range []string{"/", "/forks", "/api/v1/forks", "/static/style.css"} {
		var length [2]int64
		for i, method := range []string{http.MethodGet, http.MethodHead} {
			req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			length[i] = resp.ContentLength
			if method == http.MethodHead && len(body) != 0 {
				t.Errorf("HEAD %s has a body", path)
			}
		}
		if length[0] <= 0 || length[0] != length[1] {
			t.Errorf("%s: Content-Length %d by GET, %d by HEAD", path, length[0], length[1])
		}
	}
}

var allPages = []string{"/", "/forks", "/forks?kind=aof", "/forks?kind=sprout", "/nothing"}

// pagesOf is every page of a source, the ones of single forks included.
func pagesOf(src pages.Source) []string {
	out := slices.Clone(allPages)
	for _, f := range src.Forks() {
		out = append(out, "/forks/"+f.ID)
	}
	return out
}

// unknowns is a history in which hardly anything was known.
func unknowns() fake {
	return fake{
		snap: history.Snapshot{Servers: []track.State{{Name: "s", Addr: "s"}, {
			Name: "t", Up: true, Children: []track.Child{{Kind: fork.KindUnknown}},
			Last: map[fork.Kind]track.LastFork{fork.KindModule: {}},
		}}},
		forks: []fork.Record{{ID: "0-1", Server: "t"}, {ID: "0-0", Server: "s", Outcome: fork.OutcomeUnknown}},
	}
}

func TestPagesAreBalancedAndObeyTheirPolicy(t *testing.T) {
	for name, src := range map[string]fake{"full": full(), "quiet": quiet(), "empty": {}, "unknowns": unknowns()} {
		for _, path := range pagesOf(src) {
			t.Run(name+path, func(t *testing.T) {
				w := ask(t, src, http.MethodGet, path)
				policy := w.Header().Get("Content-Security-Policy")
				has(t, policy, "default-src 'none'", "style-src 'self'", "img-src 'self' data:")
				lacks(t, policy, "unsafe")
				checkHTML(t, w.Body.String())
			})
		}
	}
}

// checkHTML parses a page as XML with HTML's void elements, which finds every
// tag that is not closed, and looks for what the policy would block.
func checkHTML(t *testing.T, body string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	ids, h1 := map[string]bool{}, 0
	depth := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not balanced: %v", err)
		}
		switch e := tok.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			depth++
			switch e.Name.Local {
			case "script", "style", "iframe", "object":
				t.Errorf("<%s> in the page", e.Name.Local)
			case "h1":
				h1++
			}
			for _, a := range e.Attr {
				switch {
				case a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on"):
					t.Errorf("attribute %s in the page", a.Name.Local)
				case a.Name.Local == "id" && ids[a.Value]:
					t.Errorf("id %q twice", a.Value)
				case a.Name.Local == "id":
					ids[a.Value] = true
				case strings.Contains(a.Value, "ZgotmplZ"):
					t.Errorf("html/template refused the value of %s", a.Name.Local)
				}
			}
		}
	}
	if depth != 0 || h1 != 1 {
		t.Errorf("depth %d at the end, %d headings", depth, h1)
	}
	lacks(t, body, "<no value>", "%!", "NaN")
}

var hrefs = regexp.MustCompile(`(?:href|action)="([^"#]+)`)

// Every link must lead somewhere, from whatever depth and behind whatever prefix.
func TestLinksLead(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/some/prefix/", http.StripPrefix("/some/prefix", handler(full())))
	fetch := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	checked := 0
	for _, page := range append(pagesOf(full()), "/a/b/c") {
		base := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/some/prefix"+page, nil).URL
		for _, m := range hrefs.FindAllStringSubmatch(fetch("/some/prefix"+page).Body.String(), -1) {
			link := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasPrefix(link, "data:") || strings.HasPrefix(link, "https://example.org") {
				continue
			}
			to, err := base.Parse(link)
			if err != nil {
				t.Fatalf("%s: link %q: %v", page, link, err)
			}
			if to.Path == "/some/prefix/metrics" || to.Path == "/some/prefix/-/healthy" {
				continue // served by the exporter beside the pages
			}
			checked++
			if w := fetch(to.RequestURI()); w.Code != http.StatusOK {
				t.Errorf("%s: link %q leads to %s: %d", page, link, to, w.Code)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links checked", checked)
	}
}

func TestLanding(t *testing.T) {
	body := get(t, full(), "/", 200)
	id := forktest.Running(now).ID
	has(t, body,
		"redis 7.0.15, standalone, master", "10.0.3.17:6379", // which server
		"No answer within 1 s.", "last answer", "1 min ago", "No process could be proved", // what is wrong
		"933 MB", `href="./forks/`+id+`"`, `class="fc fc-small"`, // the running child
		"1.61 GB", "3.19 MB", "412 MB", "by INFO", "pid 700, verified",
		"44, ", "2 failed", "7 more not seen", "info timeout 19",
		`href="./forks/`+forktest.Saved(now).ID+`"`, "38.4 ms", "out of memory", // last forks
		"killed", `href="./forks/`+forktest.Killed(now).ID+`"`, // newest failure
		"412 ms", // longest stall
		`<td class="n"><span title="2.031 seconds">2.03 s</span></td>`, // copy time of the last save
		`<span class="state yes">✓</span> own cgroup: exact curve at no cost`, `<span class="state opt">○</span> the time that copies take is not known; give the exporter CAP_NET_ADMIN`,
		"vm.overcommit_memory 0", "transparent huge pages madvise",
		`href="./metrics"`, `href="./api/v1/forks"`, `href="./-/healthy"`, "https://example.org/docs", "every metric", "1.2.3",
	)
	lacks(t, body, "info auth", "No server is configured")
	if n := strings.Count(body, `class="card server"`); n != 3 {
		t.Errorf("%d cards for 3 servers", n)
	}
	has(t, get(t, fake{}, "/", 200), "No server is configured", "0 <small>of 0")
}

// An absent source is a failure only where something is wrong.
func TestSourcesSayWhatIsMissing(t *testing.T) {
	const process, smaps, cgroup, taskstats = fork.SourceProcess, fork.SourceChildSmaps, fork.SourceCgroup, fork.SourceTaskstats
	for name, c := range map[string]struct {
		works       []fork.Source
		want, lacks []string
	}{
		"all": {
			[]fork.Source{process, smaps, cgroup, taskstats},
			[]string{`yes">✓</span> readable`, `yes">✓</span> own cgroup`, `yes">✓</span> the time that copies take is known`},
			[]string{"state no", "state opt"},
		},
		"the needed ones": {
			[]fork.Source{process, smaps},
			[]string{`opt">○</span> shared or not visible`, `opt">○</span> the time that copies take is not known`, html.EscapeString(words.ReadDelays(words.TheExporter))},
			[]string{"state no"},
		},
		"no rights, but a cgroup": {
			[]fork.Source{process, cgroup},
			[]string{`opt">○</span> not readable: the curve is the memory cgroup`},
			[]string{"state no"},
		},
		"no rights": {
			[]fork.Source{process},
			[]string{`no">✗</span> not readable: `, "there is no curve", "what was copied is counted", html.EscapeString(words.ReadSmaps(words.TheExporter))},
			nil,
		},
		"no process": {
			nil, []string{`no">✗</span> not found`, `no">✗</span> not readable: there is no curve`}, []string{"memory cgroup", "taskstats", "user and group"},
		},
	} {
		st := track.State{Name: "s", Up: true, Available: map[fork.Source]bool{}}
		for _, s := range c.works {
			st.Available[s] = true
		}
		if st.Available[process] {
			st.PID = opt.Of(7)
		}
		body := get(t, fake{snap: history.Snapshot{Servers: []track.State{st}}}, "/", 200)
		t.Run(name, func(t *testing.T) {
			has(t, body, c.want...)
			lacks(t, body, c.lacks...)
		})
	}
}

// What is not wanted is not missing.
func TestSamplingOffIsNoFailure(t *testing.T) {
	st := track.State{Name: "s", Up: true, PID: opt.Of(7), Available: map[fork.Source]bool{fork.SourceProcess: true}}
	src := fake{snap: history.Snapshot{Servers: []track.State{st}}}
	w := httptest.NewRecorder()
	pages.New(src, pages.Options{SamplingOff: true}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	has(t, w.Body.String(), `opt">○</span> not read: --sampling=off`)
	lacks(t, w.Body.String(), "state no", "user and group", "CAP_NET_ADMIN")
}

// Two servers may fork at the same moment.
func TestLandingLinksTheRightServersFork(t *testing.T) {
	src := full()
	twin := forktest.Saved(now)
	twin.Server, twin.ID = "sessions:6380", twin.ID+"9"
	src.forks = slices.Insert(src.forks, 0, twin)
	body := get(t, src, "/", 200)
	has(t, body, `href="./forks/`+forktest.Saved(now).ID+`"`)
	lacks(t, body, `href="./forks/`+twin.ID+`"`)
}

func TestForksTable(t *testing.T) {
	src := full()
	slices.Reverse(src.forks) // the running one comes first, whatever the order
	body := get(t, src, "/forks", 200)
	if n := strings.Count(body, `data-label="Birth"`); n != len(src.forks) {
		t.Errorf("%d rows for %d forks", n, len(src.forks))
	}
	if a, b := strings.Index(body, ">running</span>"), strings.Index(body, ">ok</span>"); a < 0 || a > b {
		t.Errorf("the running fork is not on top: at %d, a finished one at %d", a, b)
	}
	has(t, body, "3 min ago", "2026-03-04 05:03:07", "38.4 ms", ">25.6</span>", "20.3 s", "1.61 GB", "8.24 GB", "2.3 %", "cancelled", "partial", "12.3 s", "so far", `title="not known"`,
		`<td data-label="Copy time" class="n"><span title="2.031 seconds">2.03 s</span><small><span title="1,198,530,560 bytes">1.20 GB</span></small>`)

	body = get(t, src, "/forks?server=sessions%3A6380", 200)
	has(t, body, "1 of 6 forks", "<option selected>sessions:6380", "api/v1/forks?server=sessions%3A6380")
	if n := strings.Count(body, `data-label="Birth"`); n != 1 {
		t.Errorf("%d rows for one server's fork", n)
	}
	has(t, get(t, src, "/forks?outcome=running", 200), "1 of 6 forks", ">running</span>")
	has(t, get(t, src, "/forks?kind=module", 200), "No fork matches", "Show all 6")
	has(t, get(t, src, "/forks?limit=2", 200), "newest 2 of 6 of 6")
	has(t, get(t, src, "/forks?kind=sprout", 400), "no kind &#34;sprout&#34;", "rdb, aof, replication")
	has(t, get(t, fake{}, "/forks", 200), "No fork has been seen yet.", "BGSAVE")
}

func TestForkPage(t *testing.T) {
	f := forktest.Saved(now)
	body := get(t, full(), "/forks/"+f.ID, 200)
	has(t, body,
		"RDB save of cache-a:6379", "fc-wide", "fc-narrow", "38.4 ms", ">25.6</span>", "20.3 s", "3.19 MB", "17.9 s", "1.24 GB", "1,204,551", "3 figures",
		"child 4101 of server 700", "202 readings", "Private dirty: 21 by smaps (exact), 181 by counters. Copied: 202 by delay accounting.",
		"2.03 s", "1.20 GB", "8.30 s, cut off by the next fork", "41,220", "301,415", "which counts each copy",
		"The server spent 2.03 s copying pages, 100 ms per second of the child&#39;s life, 53 × the stall.", "the tail is not to scale", "until 2026-03-04 05:03:27 UTC",
		`href="../api/v1/forks/`+f.ID+`"`, `href="../forks/`+f.ID+`.svg"`,
		`rel="next" href="../forks/`+forktest.Running(now).ID+`"`, `rel="prev" href="../forks/`+forktest.Killed(now).ID+`"`,
	)
	lacks(t, body, "not seen")

	killed := get(t, full(), "/forks/"+forktest.Killed(now).ID, 200)
	has(t, killed, "SIGKILL", "Nothing was saved.", "given up after 60 s", "88,140", "171,003", "Known for the beginning only", "needs taskstats", "20 by counters.")
	lacks(t, killed, "The server spent")
	has(t, get(t, full(), "/forks/"+forktest.Running(now).ID, 200), "119 by the memory cgroup", "33 × the stall", "so far")
	lacks(t, get(t, full(), "/forks/"+forktest.Cancelled(now).ID, 200), "not to scale.")
	has(t, get(t, full(), "/forks/"+forktest.Partial(now).ID, 200), "not seen", "kept out of the histograms")
	// The only fork of its server has no neighbors.
	lacks(t, get(t, full(), "/forks/"+forktest.Cancelled(now).ID, 200), `rel="next"`, `rel="prev"`)
	has(t, get(t, full(), "/forks/12-34", 404), "last 200 forks per server")
}

func TestRefreshOnlyWhileAForkIsUnderWay(t *testing.T) {
	const meta = `<meta http-equiv="refresh" content="5">`
	running, saved := "/forks/"+forktest.Running(now).ID, "/forks/"+forktest.Saved(now).ID
	for _, path := range []string{"/", "/forks", running} {
		has(t, get(t, full(), path, 200), meta)
	}
	for _, path := range []string{saved, "/forks?kind=aof"} {
		lacks(t, get(t, full(), path, 200), meta)
	}
	for _, path := range []string{"/", "/forks", saved} {
		lacks(t, get(t, quiet(), path, 200), meta)
	}
	// A fork goes on until its tail has ended.
	src := quiet()
	src.forks[0].Tail, src.forks[0].Start = opt.Val[fork.Tail]{}, now.Add(-40*time.Second)
	has(t, get(t, src, saved, 200), meta, "still going", "the tail is not to scale")
}

// A name is text wherever it appears.
func TestNamesCannotBecomeMarkup(t *testing.T) {
	const evil = `x"'><script>alert(1)</script><img src=x onerror=alert(1)>`
	src := full()
	for i := range src.forks {
		src.forks[i].Server, src.forks[i].Kind, src.forks[i].Outcome, src.forks[i].Signal = evil, evil, evil, opt.Of(evil)
		src.forks[i].Curve[0].Source = evil
		src.forks[i].CopiedSource, src.forks[i].CopiedCurve = evil, []fork.CopiedPoint{{Source: evil}, {Seconds: 1, Source: evil}}
	}
	src.forks[0].Outcome = ""
	for i := range src.snap.Servers {
		s := &src.snap.Servers[i]
		s.Name, s.Addr, s.Problem, s.ProcessProblem = evil, evil, evil, evil
		if s.Info != nil {
			s.Info.Version = evil
		}
	}
	src.snap.Host.HugePages = opt.Of(evil)
	for _, path := range append(pagesOf(src), "/forks?server="+strings.ReplaceAll(`"><script>`, `"`, "%22"), "/%22%3E%3Cscript%3E") {
		w := ask(t, src, http.MethodGet, path)
		lacks(t, w.Body.String(), "<script", "<img")
		checkHTML(t, w.Body.String())
	}
	lacks(t, get(t, src, "/forks/"+src.forks[1].ID+".svg", 200), "<script", "<img")
	lacks(t, get(t, src, "/api/v1/forks", 200), "<script") // encoding/json escapes it
}

// A dot in Grafana leads to the page of the fork that had begun last then.
func TestForkAtATime(t *testing.T) {
	src := full()
	for _, f := range src.forks {
		ms := strconv.FormatFloat(float64(f.Start.UnixMicro())/1000, 'f', -1, 64)
		query := "?server=" + url.QueryEscape(f.Server) + "&kind=" + string(f.Kind) + "&at=" + ms
		w := ask(t, src, http.MethodGet, "/forks"+query)
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasSuffix(to, "forks/"+f.ID) || strings.HasPrefix(to, "/") {
			t.Errorf("/forks%s leads to %q with status %d", query, to, w.Code)
		}
	}
	get(t, src, "/forks?at=0", 200)
	for _, at := range []string{"NaN", "1e300", "yesterday", ""} {
		get(t, src, "/forks?at="+at, 400)
	}
}

func TestStylesheetIsCachedByItsVersion(t *testing.T) {
	m := regexp.MustCompile(`href="\./(static/style\.css\?v=[0-9a-f]+)"`).FindStringSubmatch(get(t, full(), "/", 200))
	if m == nil {
		t.Fatal("the page links no versioned stylesheet")
	}
	w := ask(t, full(), http.MethodGet, "/"+m[1])
	if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control %q with the version", got)
	}
	has(t, w.Body.String(), ".card", ".fc .fc-line", "prefers-color-scheme: dark")
	if got := ask(t, full(), http.MethodGet, "/static/style.css").Header().Get("Cache-Control"); strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control %q without the version", got)
	}
	again := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/static/style.css", nil)
	req.Header.Set("If-None-Match", w.Header().Get("ETag"))
	handler(full()).ServeHTTP(again, req)
	if again.Code != http.StatusNotModified {
		t.Errorf("status %d with a matching ETag", again.Code)
	}
}

// The picture's policy must name the very style that the picture carries.
func TestSVGPolicyAllowsItsStyle(t *testing.T) {
	w := ask(t, full(), http.MethodGet, "/forks/"+forktest.Saved(now).ID+".svg")
	var doc struct {
		Style string `xml:"style"`
	}
	if err := xml.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(doc.Style))
	has(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'", "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
}

// A record that JSON can't hold is a 500, not half an answer.
func TestUnencodableRecord(t *testing.T) {
	src := fake{forks: []fork.Record{{ID: "1-1", Server: "s", LifetimeSeconds: opt.Of(math.Inf(1)), Outcome: fork.OutcomeOK}}}
	has(t, get(t, src, "/api/v1/forks", 500), `{"error":`)
	checkHTML(t, get(t, src, "/forks/1-1", 200))
}
