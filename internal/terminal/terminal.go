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

// Make makes a Terminal of any files.
func Make(f Files) *Terminal { return &Terminal{f: f} }

// New makes a Terminal of the files that a program was started with. color says
// whether a terminal may be written to in color.
func New(in, out, err *os.File, color bool) *Terminal {
	f := Files{In: in, Out: out, Err: err, OutWidth: width(out), ErrWidth: width(err)}
	f.Asks = term.IsTerminal(int(in.Fd())) && f.ErrWidth() > 0
	f.Color = color && f.OutWidth() > 0
	return Make(f)
}

// width asks for a file's width each time: a window may change.
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

// Asks tells whether there is somebody to ask.
func (t *Terminal) Asks() bool { return t.f.Asks }

// Width is how many columns there are to print to.
func (t *Terminal) Width() int {
	if w := t.f.OutWidth(); w > 0 {
		return w
	}
	return usual
}

// Color tells whether what is printed may have colors.
func (t *Terminal) Color() bool { return t.f.Color }

// Print writes what was found.
func (t *Terminal) Print(text string) error {
	t.clear()
	_, err := io.WriteString(t.f.Out, text)
	return err
}

// Say tells what goes on, in a line that stays; on a terminal one that is too long
// is broken between words. Nobody needs to know whether that could be written.
func (t *Terminal) Say(line string) {
	t.clear()
	text := line + "\n"
	if width := t.f.ErrWidth(); width > 0 && columns(line) > width && !strings.Contains(line, "\n") {
		text = Wrap(line, width, 0)
	}
	_, _ = io.WriteString(t.f.Err, text)
}

// SayWidth is how many columns there are to say something in.
func (t *Terminal) SayWidth() int {
	if w := t.f.ErrWidth(); w > 0 {
		return w
	}
	return usual
}

// Lives tells whether there is a line that can change. Where there is none, what
// Live says is said nowhere.
func (t *Terminal) Lives() bool { return t.f.ErrWidth() > 0 }

// LiveWidth is how many columns the line that changes has. Behind it there is room
// for the ^C that a terminal shows for a Ctrl-C: in the next line it would stay.
func (t *Terminal) LiveWidth() int { return max(0, t.f.ErrWidth()-3) }

// Live replaces the line that changes.
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

func (t *Terminal) clear() {
	if t.live {
		t.live = false
		_, _ = io.WriteString(t.f.Err, "\r\x1b[K")
	}
}

// Ask asks a question and waits for its answer, or for stop. Only yes is a yes.
// It may be called once: the read goes on when stop came first.
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
