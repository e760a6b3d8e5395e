// Package docs_test keeps the documents in step with what they point at.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

const root = ".."

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	code    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	// inTree is what stands in backticks and begins with a directory of the tree.
	inTree = regexp.MustCompile("`((?:\\.ci|bench|collectors|dashboards|deploy|docs|exporter|internal|tools)/[\\w./-]*)`")
)

// files returns the paths of all files with these extensions, relative to the root.
func files(t *testing.T, extensions ...string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case slices.Contains(extensions, filepath.Ext(path)):
			rel, err := filepath.Rel(root, path)
			out = append(out, rel)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// read returns the text of file without what stands between code fences.
func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return fence.ReplaceAllString(string(b), "")
}

// anchors returns the anchors that GitHub gives the headings of a text: small
// letters, hyphens for spaces, no punctuation, a number where one comes again.
func anchors(text string) []string {
	var out []string
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		title := regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		n := seen[anchor]
		seen[anchor]++
		if n > 0 {
			anchor += "-" + strconv.Itoa(n)
		}
		out = append(out, anchor)
	}
	return out
}

func TestAnchors(t *testing.T) {
	got := anchors("# `check`: will it survive?\n\n## A & B\n## Twice\n### Twice\n## [Linked](x.md) title_1\n")
	want := []string{"check-will-it-survive", "a--b", "twice", "twice-1", "linked-title_1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Every relative link leads to a file that is there, and its anchor to a heading.
func TestLinks(t *testing.T) {
	checked := 0
	for _, document := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, document), ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			file := document
			if target != "" {
				file = filepath.Join(filepath.Dir(document), target)
			}
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: link to %s: %v", document, m[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, file)), anchor) {
				t.Errorf("%s: link to %s: %s has no such heading", document, m[1], file)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links found", checked)
	}
}

// Every document that something else names is there: a comment, a unit, a page.
func TestNamedDocuments(t *testing.T) {
	named := regexp.MustCompile(`\b(?:docs|deploy)/[\w./-]+\.md\b`)
	found := 0
	for _, file := range files(t, ".go", ".yaml", ".yml", ".service", ".conf", ".html", ".sh") {
		for _, document := range named.FindAllString(read(t, file), -1) {
			found++
			if _, err := os.Stat(filepath.Join(root, document)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d documents named", found)
	}
}

// design.md is for the first day: what is longer belongs beside it.
func TestDesignIsShort(t *testing.T) {
	b, err := os.ReadFile("design.md")
	if err != nil {
		t.Fatal(err)
	}
	if words := len(strings.Fields(string(b))); words > 1500 {
		t.Errorf("design.md has %d words, more than 1500", words)
	}
}

// What the documents for developers name in the tree is there.
func TestTree(t *testing.T) {
	for _, document := range []string{"CONTRIBUTING.md", "SECURITY.md", "docs/design.md"} {
		paths := inTree.FindAllStringSubmatch(read(t, document), -1)
		if len(paths) == 0 {
			t.Errorf("%s names nothing in the tree", document)
		}
		for _, m := range paths {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
}

// Every command that a document gives for a test, a benchmark or a target of make names
// one that there is.
func TestCommands(t *testing.T) {
	makefile := "\n" + read(t, "Makefile")
	command := regexp.MustCompile("`(make|go test)\\s([^`]*)`")
	named := regexp.MustCompile(`-(run|bench) (\w+)`)
	found := 0
	for _, document := range files(t, ".md") {
		for _, m := range command.FindAllStringSubmatch(read(t, document), -1) {
			target := strings.Fields(m[2])[0]
			switch {
			case m[1] == "make":
				found++
				if !strings.Contains(makefile, "\n"+target+":") {
					t.Errorf("%s: there is no make %s", document, target)
				}
			case strings.HasPrefix(target, "./") && !strings.HasSuffix(target, "..."):
				found++
				tests := testsOf(t, target)
				for _, n := range named.FindAllStringSubmatch(m[2], -1) {
					kind := map[string]string{"run": "Test", "bench": "Benchmark"}[n[1]]
					if !regexp.MustCompile(`\nfunc ` + kind + `\w*` + n[2]).MatchString(tests) {
						t.Errorf("%s: %s has no %s%s", document, target, kind, n[2])
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d commands found", found)
	}
}

// testsOf returns the text of all tests of the package in the directory dir.
func testsOf(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}
