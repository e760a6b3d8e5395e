package pages

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// pagePolicy allows the page its stylesheet, its pictures and its own forms,
// and nothing else: should a name ever get through as markup, it can do nothing.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// page renders a template whole before it sends a byte, so that a failure is a
// 500 and not half a page.
func (s *site) page(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := s.tmpl[name].ExecuteTemplate(&b, "base", data); err != nil {
		s.opts.Logger.Error("page not rendered", "page", name, "err", err)
		http.Error(w, "the page could not be rendered; the exporter's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", pagePolicy)
	send(w, status, "text/html; charset=utf-8", b.Bytes())
}

// send writes a complete body that must not be kept by caches.
func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(body) // net/http drops it for HEAD; a reader that left needs no answer
}

// root returns the relative way from the path of r to the landing page.
func root(r *http.Request) string {
	depth := strings.Count(r.URL.EscapedPath(), "/") - 1
	if depth <= 0 {
		return "./"
	}
	return strings.Repeat("../", depth)
}
