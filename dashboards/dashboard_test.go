package dashboards_test

import (
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/dashboards"
)

// dashboard is what the tests look at of a dashboard's JSON.
type dashboard struct {
	file string

	UID           string  `json:"uid"`
	Title         string  `json:"title"`
	Editable      *bool   `json:"editable"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []annotation `json:"list"`
	} `json:"annotations"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	Collapsed   bool       `json:"collapsed"`
	GridPos     gridPos    `json:"gridPos"`
	Panels      []panel    `json:"panels"`   // of a collapsed row
	Interval    string     `json:"interval"` // shortest step

	MaxDataPoints int      `json:"maxDataPoints"`
	Targets       []target `json:"targets"`
	FieldConfig   struct {
		Defaults struct {
			Unit    string `json:"unit"`
			NoValue string `json:"noValue"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

type gridPos struct{ X, Y, W, H int }

type target struct {
	RefID        string     `json:"refId"`
	Expr         string     `json:"expr"`
	LegendFormat string     `json:"legendFormat"`
	Instant      bool       `json:"instant"`
	Datasource   datasource `json:"datasource"`
}

type variable struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Datasource datasource      `json:"datasource"`
	Query      json.RawMessage `json:"query"` // an object for queries, a string for the rest
}

type annotation struct {
	Name       string     `json:"name"`
	Datasource datasource `json:"datasource"`
	Expr       string     `json:"expr"`
	TextFormat string     `json:"textFormat"`
}

// load reads every embedded dashboard.
func load(t *testing.T) []dashboard {
	t.Helper()
	files, err := fs.Glob(dashboards.FS, "*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboard is embedded (%v)", err)
	}
	out := make([]dashboard, 0, len(files))
	for _, file := range files {
		raw, err := dashboards.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := dashboard{file: file}
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, d)
	}
	return out
}

// panels returns all panels, those inside collapsed rows included.
func (d *dashboard) panels() []panel {
	var out []panel
	for _, p := range d.Panels {
		out = append(append(out, p), p.Panels...)
	}
	return out
}

// expression is one PromQL expression, and where it stands.
type expression struct{ where, text string }

// expressions returns those of panels and annotations.
func (d *dashboard) expressions() []expression {
	var out []expression
	for _, p := range d.panels() {
		for _, q := range p.Targets {
			out = append(out, expression{d.file + " panel " + strconv.Itoa(p.ID) + " " + strconv.Quote(p.Title) + " " + q.RefID, q.Expr})
		}
	}
	for _, a := range d.Annotations.List {
		out = append(out, expression{d.file + " annotation " + strconv.Quote(a.Name), a.Expr})
	}
	return out
}

func TestDashboard(t *testing.T) {
	uids := map[string]string{}
	for _, d := range load(t) {
		t.Run(d.file, func(t *testing.T) {
			if want := strings.TrimSuffix(d.file, path.Ext(d.file)); d.UID != want {
				t.Errorf("uid is %q, want the file's name %q: links depend on it", d.UID, want)
			}
			if other, ok := uids[d.UID]; ok {
				t.Errorf("uid %q is that of %s too", d.UID, other)
			}
			uids[d.UID] = d.file
			if d.Title == "" {
				t.Error("no title")
			}
			if d.SchemaVersion < 39 {
				t.Errorf("schemaVersion is %d, want 39 or later", d.SchemaVersion)
			}
			if d.Editable == nil || *d.Editable {
				t.Error(`want "editable": false: changes belong into a copy`)
			}
			have := map[string]variable{}
			for _, v := range d.Templating.List {
				have[v.Name] = v
				if v.Type == "query" && v.Datasource.UID != "${datasource}" {
					t.Errorf("variable %s asks data source %q, want ${datasource}", v.Name, v.Datasource.UID)
				}
			}
			for _, name := range []string{"datasource", "job", "instance", "server", "window"} {
				if _, ok := have[name]; !ok {
					t.Errorf("no variable %q", name)
				}
			}
			for name := range have {
				if !slices.ContainsFunc(d.expressions(), func(e expression) bool { return strings.Contains(e.text, "$"+name) }) && name != "datasource" {
					t.Errorf("no expression uses variable %q", name)
				}
			}
		})
	}
}

func TestPanels(t *testing.T) {
	for _, d := range load(t) {
		ids := map[int]string{}
		for _, p := range d.panels() {
			where := d.file + " panel " + strconv.Quote(p.Title)
			if other, ok := ids[p.ID]; ok || p.ID <= 0 {
				t.Errorf("%s: id %d is not positive or that of %q too", where, p.ID, other)
			}
			ids[p.ID] = p.Title
			if p.Title == "" {
				t.Errorf("%s: panel %d has no title", d.file, p.ID)
			}
			if p.Type == "row" {
				continue
			}
			if p.Description == "" {
				t.Errorf("%s has no description", where)
			}
			if p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s has no unit", where)
			}
			if p.Type == "stat" && p.FieldConfig.Defaults.NoValue == "" {
				t.Errorf("%s does not say what it means that there is no value", where)
			}
			if p.Datasource.UID != "${datasource}" {
				t.Errorf("%s asks data source %q, want ${datasource}", where, p.Datasource.UID)
			}
			if len(p.Targets) == 0 {
				t.Errorf("%s asks nothing", where)
			}
			refs := map[string]bool{}
			for _, q := range p.Targets {
				if q.RefID == "" || refs[q.RefID] {
					t.Errorf("%s: refId %q is empty or not the only one", where, q.RefID)
				}
				refs[q.RefID] = true
				if q.Datasource.UID != "${datasource}" {
					t.Errorf("%s %s asks data source %q, want ${datasource}", where, q.RefID, q.Datasource.UID)
				}
			}
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	for _, d := range load(t) {
		type cell struct{ x, y int }
		taken := map[cell]string{}
		// A collapsed row's panels take their place when it is opened, and then
		// what follows moves down: so they must not overlap each other or what is above.
		for _, p := range d.panels() {
			g := p.GridPos
			if g.W <= 0 || g.H <= 0 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 {
				t.Errorf("%s panel %q: %+v is not inside the 24 columns", d.file, p.Title, g)
			}
			other := ""
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if o, ok := taken[cell{x, y}]; ok {
						other = o
					}
					taken[cell{x, y}] = p.Title
				}
			}
			if other != "" {
				t.Errorf("%s: panels %q and %q overlap", d.file, p.Title, other)
			}
		}
	}
}

var (
	rateInterval = regexp.MustCompile(`(\w+)\([^()]*\[\$__rate_interval\]`)
	grouping     = regexp.MustCompile(`\b(?:by|on)\s*\(([^)]*)\)`)
)

// What identifies a server is job, instance and server together: two exporters
// may well use the same name for different servers. A host is no server: label
// host is made from the label that is chosen to say where a server is, across jobs.
func TestIdentity(t *testing.T) {
	for _, d := range load(t) {
		for _, e := range d.expressions() {
			for _, m := range grouping.FindAllStringSubmatch(e.text, -1) {
				names := strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })
				if slices.Equal(names, []string{"host"}) && strings.Contains(e.text, `"host", "$1", "$hostlabel"`) {
					continue
				}
				if !slices.Contains(names, "job") || !slices.Contains(names, "instance") {
					t.Errorf("%s: %q leaves out job or instance; use without or ignoring", e.where, m[0])
				}
			}
		}
	}
}

// Rare events are counted over a window that somebody chose: the scrape's own
// interval is right for rates only.
func TestRateInterval(t *testing.T) {
	for _, d := range load(t) {
		for _, e := range d.expressions() {
			matches := rateInterval.FindAllStringSubmatch(e.text, -1)
			if got, want := len(matches), strings.Count(e.text, "$__rate_interval"); got != want {
				t.Errorf("%s: $__rate_interval is used for something that is no range of a function: %s", e.where, e.text)
			}
			for _, m := range matches {
				if m[1] != "rate" && m[1] != "deriv" { // a counter's rate, and a gauge's
					t.Errorf("%s: %s over $__rate_interval, which is for rates only", e.where, m[1])
				}
			}
		}
	}
}

// A curve has a point every 100 ms. A graph that asks for fewer has to be made to,
// and one that asks for more than 11,000 gets an error.
func TestCurvesAskForTheirStep(t *testing.T) {
	found := false
	for _, d := range load(t) {
		for _, p := range d.panels() {
			for _, q := range p.Targets {
				if p.Type != "timeseries" || !strings.HasPrefix(q.Expr, "redis_fork_curve_") {
					continue
				}
				found = true
				if p.Interval != "100ms" || p.MaxDataPoints < 1000 || p.MaxDataPoints > 11_000 {
					t.Errorf("%s panel %q asks for %d points, %q apart", d.file, p.Title, p.MaxDataPoints, p.Interval)
				}
			}
		}
	}
	if !found {
		t.Error("no panel shows a curve")
	}
}

var (
	dashboardLink = regexp.MustCompile(`"(?:url)": "/d/([\w-]+)([^"]*)"`)
	linkVariable  = regexp.MustCompile(`var-(\w+)=`)
)

// Links lead to a dashboard that there is, and set variables that it has.
func TestLinks(t *testing.T) {
	all := map[string]dashboard{}
	for _, d := range load(t) {
		all[d.UID] = d
	}
	links := 0
	for _, d := range all {
		raw, err := dashboards.FS.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range dashboardLink.FindAllStringSubmatch(string(raw), -1) {
			links++
			to, ok := all[m[1]]
			if !ok {
				t.Errorf("%s links to %q, which is not here", d.file, m[1])
			}
			for _, v := range linkVariable.FindAllStringSubmatch(m[2], -1) {
				if !slices.ContainsFunc(to.Templating.List, func(have variable) bool { return have.Name == v[1] }) {
					t.Errorf("%s sets variable %q, which %s lacks", d.file, v[1], to.file)
				}
			}
		}
	}
	if links < 2 {
		t.Errorf("%d links between the dashboards", links)
	}
}
