package chart

import _ "embed"

// Stylesheet gives the pictures their colors, in light and in dark. A page
// that shows Small or Large has to link it; Standalone brings it along.
//
//go:embed style.css
var Stylesheet string
