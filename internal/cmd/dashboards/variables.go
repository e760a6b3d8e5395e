package main

func datasourceVariable() object {
	return object{
		"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "regex": "",
		"refresh": 1, "hide": 0, "includeAll": false, "multi": false, "options": list{}, "skipUrlSync": false,
	}
}

func labelVariable(name, label, about, expr string, many bool) object {
	query := "label_values(" + expr + ", " + name + ")"
	v := object{
		"type": "query", "name": name, "label": label, "description": about, "datasource": source(),
		"definition": query, "query": object{"query": query, "refId": "V"},
		"refresh": 2, "sort": 1, "hide": 0, "regex": "", "options": list{}, "skipUrlSync": false,
		"multi": many, "includeAll": many,
	}
	if many {
		v["allValue"] = ".*"
		v["current"] = object{"text": list{"All"}, "value": list{"$__all"}}
	}
	return v
}

func windowVariable() object {
	options := list{}
	for _, w := range []string{"1h", "6h", "1d", "7d"} {
		options = append(options, object{"text": w, "value": w, "selected": w == "1d"})
	}
	return object{
		"type": "custom", "name": "window", "label": "Window", "description": "Over which time rare events are counted.",
		"query": "1h,6h,1d,7d", "multi": false, "includeAll": false, "hide": 0, "skipUrlSync": false,
		"current": object{"text": "1d", "value": "1d", "selected": true}, "options": options,
	}
}

func textVariable(name, label, about, value string) object {
	return object{
		"type": "textbox", "name": name, "label": label, "description": about, "query": value, "hide": 0, "skipUrlSync": false,
		"current": object{"text": value, "value": value, "selected": true},
		"options": list{object{"text": value, "value": value, "selected": true}},
	}
}
