package main

// panel is one panel without its place.
type panel struct {
	title, about string
	width        int
	unit         string
	queries      []query
	visual       visual
	none         string // what stands where there is no value
	steps        list   // thresholds; none: one colour for all
	values       object // texts for values
	overrides    list
	step         string // shortest time between two points; "": the scrape interval
	points       int    // most points; 0: one per pixel
	transform    list
}

// query is one expression. The first is A, the next B.
type query struct {
	expr, legend string
}

// visual is how a panel shows its values.
type visual struct {
	kind    string
	instant bool // the values of the end only
	custom  object
	options object
}

func source() object { return object{"type": "prometheus", "uid": "${datasource}"} }

func (p panel) json() object {
	targets := list{}
	for i, q := range p.queries {
		t := object{
			"refId": string(rune('A' + i)), "datasource": source(), "editorMode": "code",
			"expr": q.expr, "legendFormat": q.legend, "instant": p.visual.instant, "range": !p.visual.instant,
		}
		if p.visual.kind == "table" {
			t["format"] = "table"
		}
		targets = append(targets, t)
	}
	steps := p.steps
	if steps == nil {
		steps = list{step("text", nil)}
	}
	defaults := object{
		"unit":       p.unit,
		"thresholds": object{"mode": "absolute", "steps": steps},
		"mappings":   list{},
		"custom":     p.visual.custom,
	}
	if p.visual.custom == nil {
		delete(defaults, "custom")
	}
	if p.values != nil {
		defaults["mappings"] = list{p.values}
	}
	if p.visual.kind == "timeseries" {
		defaults["color"] = object{"mode": "palette-classic"}
	}
	if p.none != "" {
		defaults["noValue"] = p.none
	}
	overrides := p.overrides
	if overrides == nil {
		overrides = list{}
	}
	out := object{
		"type": p.visual.kind, "title": p.title, "description": p.about, "datasource": source(),
		"fieldConfig": object{"defaults": defaults, "overrides": overrides},
		"options":     p.visual.options,
		"targets":     targets,
	}
	if p.step != "" {
		out["interval"] = p.step
	}
	if p.points != 0 {
		out["maxDataPoints"] = p.points
	}
	if p.transform != nil {
		out["transformations"] = p.transform
	}
	return out
}

func step(color string, from any) object { return object{"color": color, "value": from} }

// above is base below a value and color from it on.
func above(base string, value float64, color string) list {
	return list{step(base, nil), step(color, value)}
}

func stat() visual {
	return visual{kind: "stat", instant: true, options: object{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
		"wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard",
		"reduceOptions": object{"calcs": list{"lastNotNull"}, "fields": "", "values": false},
	}}
}

// nameStat shows the legends, where they are what there is to say.
func nameStat() visual {
	v := stat()
	v.options["textMode"] = "name"
	return v
}

// bars shows one bar per series.
func bars() visual {
	return visual{kind: "bargauge", instant: true, options: object{
		"displayMode": "basic", "orientation": "horizontal", "valueMode": "text", "namePlacement": "auto", "showUnfilled": true,
		"sizing": "auto", "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300,
		"legend":        object{"calcs": list{}, "displayMode": "list", "placement": "bottom", "showLegend": false},
		"reduceOptions": object{"calcs": list{"lastNotNull"}, "fields": "", "values": false},
	}}
}

func lines() visual {
	return visual{
		kind: "timeseries",
		custom: object{
			"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "auto", "pointSize": 4,
			"spanNulls": false, "stacking": object{"mode": "none", "group": "A"}, "axisSoftMin": 0,
		},
		options: object{
			"legend":  object{"calcs": list{"lastNotNull", "max"}, "displayMode": "table", "placement": "bottom", "showLegend": true},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		},
	}
}

// dots are for events: nothing is between two of them. The thresholds are drawn.
func dots(softMax float64) visual {
	v := lines()
	v.custom["drawStyle"], v.custom["showPoints"], v.custom["pointSize"] = "points", "always", 8
	v.custom["thresholdsStyle"] = object{"mode": "line"}
	v.custom["axisSoftMax"] = softMax
	return v
}

func table(sortBy ...any) visual {
	v := visual{
		kind: "table", instant: true,
		custom:  object{"align": "auto", "filterable": true, "inspect": false},
		options: object{"frameIndex": 0, "cellHeight": "sm", "showHeader": true, "footer": object{"show": false, "reducer": list{"sum"}, "countRows": false, "fields": ""}},
	}
	if len(sortBy) > 0 {
		v.options["sortBy"] = sortBy
	}
	return v
}

// columnsOf joins a table's queries to one row per set of labels. The columns are
// the labels and then the queries, in this order.
func columnsOf(labels, names []string) list {
	at, rename := object{}, object{}
	for i, l := range labels {
		at[l] = i
	}
	for i, name := range names {
		field := "Value #" + string(rune('A'+i))
		at[field], rename[field] = len(labels)+i, name
	}
	return list{
		object{"id": "merge", "options": object{}},
		object{"id": "organize", "options": object{"excludeByName": object{"Time": true}, "indexByName": at, "renameByName": rename}},
	}
}

// column changes how the column of this name is shown.
func column(name string, properties ...any) object {
	return object{"matcher": object{"id": "byName", "options": name}, "properties": properties}
}

// series changes how the series whose legends match are drawn.
func series(regexp string, properties ...any) object {
	return object{"matcher": object{"id": "byRegexp", "options": "/" + regexp + "/"}, "properties": properties}
}

func property(id string, value any) object { return object{"id": id, "value": value} }

func unit(u string) object { return property("unit", u) }

func thresholds(steps list) object {
	return property("thresholds", object{"mode": "absolute", "steps": steps})
}

func colored() object { return property("custom.cellOptions", object{"type": "color-text"}) }

func fixedColor(c string) object {
	return property("color", object{"mode": "fixed", "fixedColor": c})
}

func dashed() []any {
	return []any{property("custom.fillOpacity", 0), property("custom.lineStyle", object{"fill": "dash", "dash": list{8, 8}})}
}

func link(title, url string) object {
	return property("links", list{object{"title": title, "url": url, "targetBlank": true}})
}

// text is what a value is shown as.
type text struct{ value, text, color string }

func texts(all ...text) object {
	options := object{}
	for i, t := range all {
		options[t.value] = object{"text": t.text, "color": t.color, "index": i}
	}
	return object{"type": "value", "options": options}
}
