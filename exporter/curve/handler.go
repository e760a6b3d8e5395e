package curve

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

const (
	// window is what a reader without a place is shown.
	window = time.Minute
	// maxPoints bounds a response, to some 400 KB: what was missed during a
	// network failure arrives over several scrapes and not in one that times out.
	maxPoints = 5000
)

type handler struct {
	feeds   func() []history.Feed
	readers readers
}

// New returns a handler that serves what feeds returns. A plain GET shows the last
// minute and changes nothing. With ?reader=NAME, NAME being 1 to 64 letters, digits
// and any of "_.:-", a response has what came since that reader's last one.
func New(feeds func() []history.Feed) http.Handler {
	return &handler{feeds: feeds}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "/curve is read with GET", http.StatusMethodNotAllowed)
		return
	}
	names, asked := r.URL.Query()["reader"]
	feeds, now := h.feeds(), time.Now()
	if !asked || r.Method == http.MethodHead { // HEAD brings no points, so it takes none
		_ = send(w, r, look(feeds, now)) // who only looks loses nothing
		return
	}
	if len(names) != 1 || !validName(names[0]) {
		http.Error(w, `reader is one name of 1 to 64 letters, digits, "_", ".", ":" and "-"`, http.StatusBadRequest)
		return
	}
	who := reader{name: names[0], host: host(r.RemoteAddr)}
	from, err := h.readers.visit(who, feeds, now)
	if full, ok := errors.AsType[*tooManyError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(full.wait.Seconds())+1))
		http.Error(w, full.Error(), http.StatusTooManyRequests)
		return
	}
	points, to := take(feeds, from, maxPoints)
	if send(w, r, points) == nil {
		h.readers.move(who, to)
	}
}

// validName reports whether a reader may have the name s.
func validName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != ':' && c != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// host returns the address of the client remote without its port, which differs from
// connection to connection. The same IPv4 client may come to an IPv6 socket as
// ::ffff:a.b.c.d.
func host(remote string) string {
	if a, err := netip.ParseAddrPort(remote); err == nil {
		return a.Addr().Unmap().String()
	}
	if h, _, err := net.SplitHostPort(remote); err == nil {
		return h
	}
	return remote
}

// send writes points to the last byte, as the answer to r, and returns an error
// unless they went out. What net/http and the kernel have taken over has gone out:
// nobody tells a server what its client does with it.
func send(w http.ResponseWriter, r *http.Request, points []series) error {
	// Protobuf has no place for many points of one series in a row.
	format := expfmt.NegotiateAccept(r.Header, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtText)
	var b bytes.Buffer
	write(&b, points, format.FormatType() == expfmt.TypeOpenMetrics)
	h := w.Header()
	h.Set("Content-Type", string(format))
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if _, err := b.WriteTo(w); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}
