package dashboards

import "embed"

//go:generate go run ../internal/cmd/dashboards .

// FS holds every dashboard, as NAME.json at its root.
//
//go:embed *.json
var FS embed.FS
