package dashboards

import "embed"

// FS holds every dashboard, as NAME.json at its root.
//
//go:embed *.json
var FS embed.FS
