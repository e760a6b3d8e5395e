package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// Source is where the forks come from. Everything it returns is a copy.
type Source interface {
	// Forks returns the running and the kept forks, newest first; a running one
	// has no Outcome.
	Forks() []fork.Record
	// Fork returns the fork with this ID, and whether it is (still) kept.
	Fork(id string) (fork.Record, bool)
}

// list is the body of /api/v1/forks.
type list struct {
	Forks []fork.Record `json:"forks"` // newest first
}

// problem is the body of every answer that is not a 200.
type problem struct {
	Error string `json:"error"`
}

// server answers all requests.
type server struct {
	src Source
	log *slog.Logger
}

// New returns the handler of
//
//	/api/v1/forks        the records of src, chosen by a Filter
//	/api/v1/forks/{id}   one record
//
// and of an error as JSON for every other path below /api/. It answers GET and HEAD,
// anything else with 405. Failures to render go to log, which may be nil.
func New(src Source, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &server{src, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/forks", s.forks)
	mux.HandleFunc("GET /api/v1/forks/{id}", s.fork)
	mux.HandleFunc("GET /api/", s.notFound)
	return mux
}

func (s *server) forks(w http.ResponseWriter, r *http.Request) {
	f, err := ParseFilter(r.URL.Query())
	if err != nil {
		s.send(w, r, http.StatusBadRequest, problem{err.Error()})
		return
	}
	chosen, _ := f.Apply(s.src.Forks())
	s.send(w, r, http.StatusOK, list{chosen})
}

func (s *server) fork(w http.ResponseWriter, r *http.Request) {
	f, ok := s.src.Fork(r.PathValue("id"))
	if !ok {
		s.send(w, r, http.StatusNotFound, problem{"no such fork: it never was, or it is no longer kept"})
		return
	}
	s.send(w, r, http.StatusOK, f)
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	s.send(w, r, http.StatusNotFound, problem{"no such path; there are /api/v1/forks and /api/v1/forks/{id}"})
}

// send renders body whole before it sends a byte, so that a failure is a 500 and not
// half an answer.
func (s *server) send(w http.ResponseWriter, r *http.Request, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		s.log.Error("JSON not rendered", "path", r.URL.Path, "err", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer could not be rendered; the exporter's log says why"}`)
	}
	b = append(b, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(b) // net/http drops it for HEAD; a reader that left needs no answer
}
