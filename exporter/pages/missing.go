package pages

import (
	"net/http"
	"strconv"
)

func (s *site) notFound(w http.ResponseWriter, r *http.Request) {
	s.missing(w, r, "There is no such page.", "")
}

func (s *site) missing(w http.ResponseWriter, r *http.Request, what, why string) {
	s.page(w, http.StatusNotFound, "missing", struct {
		common
		What, Why string
	}{s.common(r, "Not found", "", s.opts.Now()), what, why})
}

// forkGone answers with the page for a fork that there is not.
func (s *site) forkGone(w http.ResponseWriter, r *http.Request) {
	s.missing(w, r, "There is no such fork.",
		"The exporter keeps the last "+strconv.Itoa(s.opts.Kept)+" forks per server, and none from before its own start. An older one lives on in your metrics only.")
}
