package curve

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/redis-fork-exporter/redis_fork_exporter/collectors"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
)

func TestFormats(t *testing.T) {
	for accept, want := range map[string]string{
		"":                         "text/plain; version=0.0.4",
		"*/*":                      "text/plain; version=0.0.4",
		"text/html,*/*;q=0.8":      "text/plain; version=0.0.4",
		"text/plain;version=0.0.4": "text/plain; version=0.0.4",
		"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5": "application/openmetrics-text; version=1.0.0",
		"application/openmetrics-text;version=0.0.1":                                "application/openmetrics-text; version=0.0.1",
		"application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5":         "text/plain; version=0.0.4",
		// Prometheus 2.42, and 2.42 and 3 with native histograms.
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1":                                                                                                                                                                              "application/openmetrics-text; version=1.0.0",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1":                                                                             "application/openmetrics-text; version=1.0.0",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1": "application/openmetrics-text; version=1.0.0",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited":                                                                                                                                                                                                                         "text/plain; version=0.0.4",
	} {
		s := newSite(t, "s")
		w := httptest.NewRecorder()
		s.h.ServeHTTP(w, request("", alice, "Accept", accept))
		got := w.Header().Get("Content-Type")
		if !strings.HasPrefix(got, want) {
			t.Errorf("Accept %q gives %s, want %s", accept, got, want)
		}
		if open := strings.HasPrefix(got, "application/openmetrics"); strings.HasSuffix(w.Body.String(), "# EOF\n") != open {
			t.Errorf("Accept %q: %s ends with\n%s", accept, got, w.Body)
		}
	}
}

// The whole body, in both formats, with the worst of names.
func TestBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where it is 946684800 s
		store := history.New()
		bad := "b\\\"\n\xff"
		for _, name := range []string{"a", bad} {
			server := storetest.Add(store, name)
			server.Process(1, opt.Val[time.Time]{})
			server.Resident(900)
			id := server.Born(1, fork.KindRDB)
			server.Copies(id, fork.Copies{Time: time.Now().Add(100 * time.Millisecond), Bytes: opt.Of(uint64(8192))})
		}
		time.Sleep(time.Second)
		const want = `# HELP redis_fork_curve_private_dirty_bytes Bytes of memory that only the fork's child holds, each point with a time of its own.
# TYPE redis_fork_curve_private_dirty_bytes gauge
# HELP redis_fork_curve_copied_bytes Bytes that the kernel copied since the fork's birth for the server's writes, each point with a time of its own.
# TYPE redis_fork_curve_copied_bytes gauge
redis_fork_curve_copied_bytes{server="a"} 0 946684799999
redis_fork_curve_copied_bytes{server="a"} 8192 946684800100
redis_fork_curve_copied_bytes{server="b\\\"\n\\xff"} 0 946684799999
redis_fork_curve_copied_bytes{server="b\\\"\n\\xff"} 8192 946684800100
# HELP redis_fork_curve_resident_bytes Bytes that the server has resident while a child lives, each point with a time of its own.
# TYPE redis_fork_curve_resident_bytes gauge
redis_fork_curve_resident_bytes{server="a"} 900 946684800000
redis_fork_curve_resident_bytes{server="b\\\"\n\\xff"} 900 946684800000
`
		h := New(store.Feeds)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("", alice))
		if diff := cmp.Diff(want, w.Body.String()); diff != "" {
			t.Errorf("text (-want +got):\n%s", diff)
		}
		// The name of a server is the one that /metrics writes.
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(collectors.New(store.Snapshot))
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var metrics bytes.Buffer
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToText(&metrics, f); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := servers(t, w.Body), servers(t, &metrics); !slices.Equal(got, want) || len(got) != 2 {
			t.Errorf("/curve has the servers %q, /metrics %q", got, want)
		}
		w = httptest.NewRecorder()
		h.ServeHTTP(w, request("", alice, "Accept", "application/openmetrics-text;version=1.0.0"))
		open := strings.NewReplacer(" 946684799999\n", " 946684799.999\n", " 946684800100\n", " 946684800.1\n", " 946684800000\n", " 946684800\n").Replace(want) + "# EOF\n"
		if diff := cmp.Diff(open, w.Body.String()); diff != "" {
			t.Errorf("OpenMetrics (-want +got):\n%s", diff)
		}
	})
}

// servers returns the values of the label server in an exposition, sorted.
func servers(t *testing.T, exposition io.Reader) []string {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(exposition)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "server" {
					out = append(out, l.GetValue())
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A parser that cuts off to milliseconds, as Prometheus' does, gets the very
// millisecond; and no two points fall together.
func TestTimesSurviveOpenMetrics(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	corrected := 0
	for range 100_000 {
		millis := 1_500_000_000_000 + random.Int64N(1_500_000_000_000)
		text := strconv.FormatFloat(seconds(millis), 'f', -1, 64)
		read, err := strconv.ParseFloat(text, 64)
		if err != nil || int64(read*1000) != millis {
			t.Fatalf("%d is written as %s and read as %d", millis, text, int64(read*1000))
		}
		if plain := float64(millis) / 1000; int64(plain*1000) != millis {
			corrected++
		}
	}
	if corrected == 0 {
		t.Error("no time needed the correction that this test is about")
	}
}
