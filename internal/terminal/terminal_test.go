package terminal_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
)

// plain is a Terminal whose files are none.
func plain(in string) (t *terminal.Terminal, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	none := func() int { return 0 }
	return terminal.Make(terminal.Files{In: strings.NewReader(in), Out: out, Err: err, OutWidth: none, ErrWidth: none}), out, err
}

func TestPlain(t *testing.T) {
	term, out, err := plain("")
	term.Live("changes")
	term.Say("stays, and is longer than the eighty columns that a terminal would have broken it at")
	if e := term.Print("found\n"); e != nil {
		t.Fatal(e)
	}
	if out.String() != "found\n" {
		t.Errorf("found %q", out)
	}
	if want := "stays, and is longer than the eighty columns that a terminal would have broken it at\n"; err.String() != want {
		t.Errorf("said %q, want %q", err, want)
	}
	if term.Asks() || term.Lives() || term.Color() || term.Width() != 80 || term.SayWidth() != 80 || term.LiveWidth() != 0 {
		t.Error("what is no terminal is taken for one")
	}
}

func TestPrintFails(t *testing.T) {
	none := func() int { return 0 }
	r, w := io.Pipe()
	r.Close()
	term := terminal.Make(terminal.Files{Out: w, Err: io.Discard, OutWidth: none, ErrWidth: none})
	if term.Print("x") == nil {
		t.Error("a write that failed is no error")
	}
}

func TestAsk(t *testing.T) {
	for in, want := range map[string]bool{
		"y\n": true, "yes\n": true, "Yes\n": true, "y": true,
		"": false, "\n": false, "n\n": false, "yeah\n": false, "yy\n": false, "no\nyes\n": false,
	} {
		term, _, err := plain(in)
		yes, stopped := term.Ask("Really?", nil)
		if yes != want || stopped {
			t.Errorf("%q: yes %v, stopped %v", in, yes, stopped)
		}
		if !strings.HasPrefix(err.String(), "Really? [y/N] ") {
			t.Errorf("asked %q", err)
		}
	}
}

// A real terminal: its width, its changing line, and a question that is left.
func TestOnATerminal(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Cols: 40, Rows: 10}); err != nil {
		t.Fatal(err)
	}
	screen := make(chan string)
	go func() {
		var all strings.Builder
		buf := make([]byte, 256)
		for {
			n, err := master.Read(buf)
			all.Write(buf[:n])
			if err != nil || strings.Contains(all.String(), "THE END") {
				screen <- all.String()
				return
			}
		}
	}()
	term := terminal.New(slave, slave, slave, true)
	if !term.Asks() || !term.Lives() || !term.Color() || term.Width() != 40 || term.LiveWidth() != 37 {
		t.Errorf("asks %v, lives %v, color %v, %d and %d columns", term.Asks(), term.Lives(), term.Color(), term.Width(), term.LiveWidth())
	}
	term.Live("one")
	term.Live(strings.Repeat("µ", 50))
	term.Say("a line that stays, and that has more than forty columns")
	stop := make(chan os.Signal, 1)
	time.AfterFunc(10*time.Millisecond, func() { stop <- os.Interrupt })
	if yes, stopped := term.Ask("Really?", stop); yes || !stopped {
		t.Errorf("a question that was left: yes %v, stopped %v", yes, stopped)
	}
	if err := term.Print("THE END\n"); err != nil {
		t.Fatal(err)
	}
	want := "\rone\x1b[K" + "\r" + strings.Repeat("µ", 37) + "\x1b[K" + "\r\x1b[K" +
		"a line that stays, and that has more\r\nthan forty columns\r\nReally? [y/N] \r\nTHE END"
	if got := <-screen; !strings.HasPrefix(got, want) {
		t.Errorf("the terminal was sent %q, want %q", got, want)
	}
	if term := terminal.New(slave, slave, slave, false); term.Color() {
		t.Error("colors that nobody wants")
	}
	if err := pty.Setsize(slave, &pty.Winsize{}); err != nil {
		t.Fatal(err)
	}
	if w := term.Width(); w != 80 {
		t.Errorf("%d columns of a terminal without a size", w)
	}
}
