// Command dockercontext lists the files that .dockerignore lets into the context
// of an image's build: it takes the context's directory, and writes the paths
// below it, each ended by a zero byte. It reads .dockerignore as Docker does,
// with Docker's own library, and needs no Docker engine.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dockercontext DIRECTORY")
		os.Exit(2)
	}
	if err := list(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "dockercontext:", err)
		os.Exit(1)
	}
}

// list writes to w the paths of the files below dir that dir's .dockerignore does
// not keep out.
func list(w io.Writer, dir string) error {
	file, err := os.Open(filepath.Join(dir, ".dockerignore"))
	if err != nil {
		return err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return err
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == "." {
			return err
		}
		out, err := ignored.MatchesOrParentMatches(name)
		if err != nil {
			return err
		}
		switch {
		case out && entry.IsDir() && !ignored.Exclusions():
			return filepath.SkipDir // no pattern with ! lets anything below it in again
		case out || entry.IsDir():
			return nil
		}
		_, err = fmt.Fprintf(w, "%s\x00", name)
		return err
	})
}
