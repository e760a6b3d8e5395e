package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dashboards DIR")
		os.Exit(2)
	}
	for _, d := range all() {
		b, err := d.encode()
		if err == nil {
			err = os.WriteFile(filepath.Join(os.Args[1], d.uid+".json"), b, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "dashboards:", err)
			os.Exit(1)
		}
	}
}

func all() []dashboard { return []dashboard{instance(), fleet()} }

// encode leaves < and > as they are: expressions are to be readable.
func (d dashboard) encode() ([]byte, error) {
	object, err := d.json()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(object)
	return b.Bytes(), err
}
