package pages

import (
	"encoding/json"
	"net/http"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// forkList is the body of /api/v1/forks.
type forkList struct {
	Forks []fork.Record `json:"forks"` // newest first
}

// apiError is the body of every answer of the API that is not a 200.
type apiError struct {
	Error string `json:"error"`
}

func (s *site) apiForks(w http.ResponseWriter, r *http.Request) {
	f, err := parseFilter(r.URL.Query())
	if err != nil {
		s.json(w, r, http.StatusBadRequest, apiError{err.Error()})
		return
	}
	chosen, _ := f.apply(s.src.Forks())
	s.json(w, r, http.StatusOK, forkList{chosen})
}

func (s *site) apiFork(w http.ResponseWriter, r *http.Request) {
	f, ok := s.src.Fork(r.PathValue("id"))
	if !ok {
		s.json(w, r, http.StatusNotFound, apiError{"no such fork: it never was, or it is no longer kept"})
		return
	}
	s.json(w, r, http.StatusOK, f)
}

func (s *site) apiNotFound(w http.ResponseWriter, r *http.Request) {
	s.json(w, r, http.StatusNotFound, apiError{"no such path; there are /api/v1/forks and /api/v1/forks/{id}"})
}

func (s *site) json(w http.ResponseWriter, r *http.Request, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		s.opts.Logger.Error("JSON not rendered", "path", r.URL.Path, "err", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer could not be rendered; the exporter's log says why"}`)
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	send(w, status, "application/json", append(b, '\n'))
}
