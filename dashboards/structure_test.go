package dashboards_test

import (
	"errors"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"github.com/redis-fork-exporter/redis_fork_exporter/dashboards"
)

// TestStructure has Grafana's own types decode every dashboard, strictly: a field
// that Grafana does not know, or a value of another type, is an error. A panel's
// options are known for the kinds registered here and for no other.
func TestStructure(t *testing.T) {
	types := cog.NewRuntime()
	types.RegisterPanelcfgVariant(bargauge.VariantConfig())
	types.RegisterPanelcfgVariant(stat.VariantConfig())
	types.RegisterPanelcfgVariant(table.VariantConfig())
	types.RegisterPanelcfgVariant(timeseries.VariantConfig())
	types.RegisterDataqueryVariant(prometheus.VariantConfig())

	for _, d := range load(t) {
		raw, err := dashboards.FS.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		var decoded sdk.Dashboard //nolint:staticcheck // the classic JSON, which every Grafana reads
		// The decoder returns an empty list of errors where there is none.
		var none cog.BuildErrors
		if err := decoded.UnmarshalJSONStrict(raw); err != nil && (!errors.As(err, &none) || len(none) > 0) {
			t.Errorf("%s: %v", d.file, err)
		}
		for _, p := range d.panels() {
			switch p.Type {
			case "bargauge", "row", "stat", "table", "timeseries":
			default:
				t.Errorf("%s panel %q: nobody checks the options of a %s", d.file, p.Title, p.Type)
			}
		}
	}
}
