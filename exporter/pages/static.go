package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/chart"
)

//go:embed templates style.css
var files embed.FS

// stylesheet is the pages' one stylesheet, the charts' included.
type stylesheet struct {
	body    string
	Version string // changes with the content: part of the link, so that it may be cached for good
}

func newStylesheet() stylesheet {
	own, err := files.ReadFile("style.css")
	if err != nil {
		panic("pages: embedded stylesheet: " + err.Error()) // the build would have failed
	}
	body := string(own) + chart.Stylesheet
	sum := sha256.Sum256([]byte(body))
	return stylesheet{body: body, Version: hex.EncodeToString(sum[:6])}
}

func (s stylesheet) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", `"`+s.Version+`"`)
	if r.URL.Query().Get("v") == s.Version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache") // asked without its version: check the ETag each time
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(s.body))
}

// svgPolicy returns the policy that allows a standalone picture the one style that it
// carries.
func svgPolicy() string {
	sum := sha256.Sum256([]byte(chart.Stylesheet))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
