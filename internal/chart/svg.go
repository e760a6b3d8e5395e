package chart

import (
	"bytes"
	"encoding/xml"
	"math"
	"strconv"
)

// canvas writes SVG. Every name is a constant of this package and every value
// goes through escape, so that a server's name cannot become markup.
type canvas struct{ b bytes.Buffer }

// attrs are names and values in turn; a value is a string, a float64 or an int.
type attrs []any

func (c *canvas) open(name string, as attrs) {
	c.tag(name, as)
	c.b.WriteByte('>')
}

func (c *canvas) close(name string) {
	c.b.WriteString("</" + name + ">")
}

// leaf writes an element with nothing in it.
func (c *canvas) leaf(name string, as attrs) {
	c.tag(name, as)
	c.b.WriteString("/>")
}

// titled writes an element whose title shows when the pointer rests on it.
func (c *canvas) titled(name, title string, as attrs) {
	c.open(name, as)
	c.title(title)
	c.close(name)
}

func (c *canvas) title(s string) {
	c.b.WriteString("<title>")
	c.escape(s)
	c.b.WriteString("</title>")
}

// text writes s at x, y; anchor is start, middle or end.
func (c *canvas) text(class, anchor string, x, y float64, s string) {
	as := attrs{"class", class, "x", x, "y", y}
	if anchor != "start" {
		as = append(as, "text-anchor", anchor)
	}
	c.open("text", as)
	c.escape(s)
	c.close("text")
}

func (c *canvas) tag(name string, as attrs) {
	c.b.WriteString("<" + name)
	for i := 0; i+1 < len(as); i += 2 {
		key, _ := as[i].(string)
		c.b.WriteString(" " + key + `="`)
		switch v := as[i+1].(type) {
		case string:
			c.escape(v)
		case float64:
			c.b.WriteString(num(v))
		case int:
			c.b.WriteString(strconv.Itoa(v))
		}
		c.b.WriteByte('"')
	}
}

// escape writes s safe in XML and HTML, in text and in a quoted attribute. Characters
// that XML forbids (most control characters) become U+FFFD.
func (c *canvas) escape(s string) {
	_ = xml.EscapeText(&c.b, []byte(s)) // a bytes.Buffer does not fail
}

// num writes a coordinate: a tenth of a pixel is finer than any eye.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	v = math.Round(v*10) / 10
	return strconv.FormatFloat(v+0, 'f', -1, 64) // +0 turns -0 into 0
}

// path collects the commands of a path's d attribute.
type path struct{ b []byte }

func (p *path) to(cmd byte, x, y float64) {
	p.b = append(p.b, cmd)
	p.b = append(p.b, num(x)...)
	p.b = append(p.b, ' ')
	p.b = append(p.b, num(y)...)
}

func (p *path) close() { p.b = append(p.b, 'Z') }

func (p *path) String() string { return string(p.b) }
