package terminal

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// usual is the width of what is no terminal, in columns.
const usual = 80

// Terminal is where a command reads and writes. Its methods are for one goroutine.
type Terminal struct {
	f    Files
	live bool // a line that changes stands on Err
}

// Files are what a Terminal is made of.
type Files struct {
	In       io.Reader
	Out, Err io.Writer
	// Width of Out and Err in columns, 0 where it is no terminal.
	OutWidth, ErrWidth func() int
	Asks               bool // there is somebody to ask
	Color              bool // Out may be written to in color
}

// Make returns a Terminal of any files.
func Make(f Files) *Terminal { return &Terminal{f: f} }

// New returns a Terminal of the files that a program was started with. color says
// whether a terminal may be written to in color.
func New(in, out, err *os.File, color bool) *Terminal {
	f := Files{In: in, Out: out, Err: err, OutWidth: width(out), ErrWidth: width(err)}
	f.Asks = term.IsTerminal(int(in.Fd())) && f.ErrWidth() > 0
	f.Color = color && f.OutWidth() > 0
	return Make(f)
}

// width returns a function that returns the width of f in columns, 0 where f is no
// terminal. It asks each time: a window may change.
func width(f *os.File) func() int {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return func() int { return 0 }
	}
	return func() int {
		width, _, err := term.GetSize(fd)
		if err != nil || width <= 0 {
			return usual // a terminal that nobody gave a size
		}
		return width
	}
}

// Asks reports whether there is somebody to ask.
func (t *Terminal) Asks() bool { return t.f.Asks }

// Width returns how many columns there are to print to.
func (t *Terminal) Width() int {
	if w := t.f.OutWidth(); w > 0 {
		return w
	}
	return usual
}

// Color reports whether what is printed may have colors.
func (t *Terminal) Color() bool { return t.f.Color }

// Print writes text, which is what was found, to standard output.
func (t *Terminal) Print(text string) error {
	t.clear()
	_, err := io.WriteString(t.f.Out, text)
	return err
}

// Say writes line, which tells what goes on, and which stays. On a terminal a line
// that is too long is broken between words. Nobody needs to know whether it could be
// written.
func (t *Terminal) Say(line string) {
	t.clear()
	text := line + "\n"
	if width := t.f.ErrWidth(); width > 0 && columns(line) > width && !strings.Contains(line, "\n") {
		text = Wrap(line, width, 0)
	}
	_, _ = io.WriteString(t.f.Err, text)
}

// SayWidth returns how many columns there are to say something in.
func (t *Terminal) SayWidth() int {
	if w := t.f.ErrWidth(); w > 0 {
		return w
	}
	return usual
}

// Lives reports whether there is a line that can change. Where there is none, Live
// does nothing.
func (t *Terminal) Lives() bool { return t.f.ErrWidth() > 0 }

// LiveWidth returns how many columns the line that changes has. Behind it there is
// room for the ^C that a terminal shows for a Ctrl-C: in the next line it would stay.
func (t *Terminal) LiveWidth() int { return max(0, t.f.ErrWidth()-3) }

// Live puts line where the line that changes is.
func (t *Terminal) Live(line string) {
	width := t.LiveWidth()
	if width == 0 {
		return
	}
	if r := []rune(line); len(r) > width {
		line = string(r[:width]) // a second line could not be taken back
	}
	t.live = true
	_, _ = io.WriteString(t.f.Err, "\r"+line+"\x1b[K")
}

// clear takes the line that changes away.
func (t *Terminal) clear() {
	if t.live {
		t.live = false
		_, _ = io.WriteString(t.f.Err, "\r\x1b[K")
	}
}

// Ask asks question and waits for its answer, or for stop. It returns whether the
// answer was yes or y, and whether stop came first. It may be called once: the read
// goes on when stop came first.
func (t *Terminal) Ask(question string, stop <-chan os.Signal) (yes, stopped bool) {
	t.clear()
	_, _ = io.WriteString(t.f.Err, question+" [y/N] ")
	answer := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(t.f.In).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			line = ""
		}
		answer <- line
	}()
	select {
	case <-stop:
		_, _ = io.WriteString(t.f.Err, "\n")
		return false, true
	case line := <-answer:
		if !strings.HasSuffix(line, "\n") {
			_, _ = io.WriteString(t.f.Err, "\n")
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return true, false
		}
		return false, false
	}
}
