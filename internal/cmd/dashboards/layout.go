package main

import "fmt"

const (
	columns       = 24
	schemaVersion = 39 // of Grafana 10.4; later ones migrate it when they load it
)

type (
	object = map[string]any
	list   = []any
)

// dashboard is what differs between dashboards.
type dashboard struct {
	uid, title, about string
	variables         list
	annotations       list
	links             list
	rows              []row
}

// row is a heading and what is below it.
type row struct {
	title     string
	collapsed bool
	lines     []line
}

// line is panels side by side, which fill the width.
type line struct {
	height int
	panels []panel
}

func (d dashboard) json() (object, error) {
	panels := list{}
	id, y := 0, 0
	place := func(p object, x, w, h int) object {
		id++
		p["id"] = id
		p["gridPos"] = object{"x": x, "y": y, "w": w, "h": h}
		return p
	}
	for _, r := range d.rows {
		inside := list{}
		heading := place(object{"type": "row", "title": r.title, "collapsed": r.collapsed}, 0, columns, 1)
		y++
		for _, l := range r.lines {
			x := 0
			for _, p := range l.panels {
				inside = append(inside, place(p.json(), x, p.width, l.height))
				x += p.width
			}
			if x != columns {
				return nil, fmt.Errorf("%s, %s: a line takes %d of %d columns", d.title, r.title, x, columns)
			}
			y += l.height
		}
		// Grafana keeps the panels of a closed row inside it, those of an open one beside it.
		heading["panels"] = list{}
		panels = append(panels, heading)
		if r.collapsed {
			heading["panels"] = inside
		} else {
			panels = append(panels, inside...)
		}
	}
	return object{
		"uid": d.uid, "title": d.title, "description": d.about,
		"tags":        list{"redis", "redis-fork"},
		"editable":    false, // changes belong into a copy
		"templating":  object{"list": d.variables},
		"annotations": object{"list": d.annotations},
		"links":       d.links,
		"panels":      panels,
		"time":        object{"from": "now-6h", "to": "now"},
		"timepicker":  object{},
		"timezone":    "browser", "refresh": "30s", "graphTooltip": 1, "fiscalYearStartMonth": 0, "weekStart": "",
		"schemaVersion": schemaVersion, "version": 1, "id": nil,
	}, nil
}
