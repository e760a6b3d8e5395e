package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// TestMain makes the program itself a command in PATH, for the scripts and for
// every test that runs it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){program: main})
}

// The commands against real servers, and what they print.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"redis":  scriptRedis,
			"status": scriptStatus,
			"like":   scriptLike,
		},
		RequireExplicitExec: true,
	})
}

// scriptRedis starts a server with a number of keys. Its address is then in $ADDR,
// its process in $PID, its directory in $DIR, and in $PORT a port that is free.
//
//	redis KEYS [ARGS...]
//
// From then on there are also
//
//	do COMMAND...            send a command to it
//	when-saving COMMAND...   send it when a child is alive; kill kills the child instead
func scriptRedis(ts *testscript.TestScript, _ bool, args []string) {
	keys, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx := context.Background()
	s, err := redisrun.Start(ctx, redisrun.Options{Args: args[1:]})
	ts.Check(err)
	ts.Defer(func() { ts.Check(s.Stop()) })
	ts.Check(redisrun.Fill(ctx, s.Client(), keys, 100))
	ts.Setenv("ADDR", s.Addr())
	ts.Setenv("PID", strconv.Itoa(s.PID()))
	ts.Setenv("DIR", s.Dir())
	port, err := redisrun.FreePort()
	ts.Check(err)
	ts.Setenv("PORT", strconv.Itoa(port))
	ts.SetCmd("do", func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(s.Client().Do(ctx, words(args)...).Err())
	})
	ts.SetCmd("when-saving", func(ts *testscript.TestScript, _ bool, args []string) {
		done := make(chan error, 1)
		go func() { done <- whenSaving(s, args) }()
		ts.Defer(func() { ts.Check(<-done) })
	})
}

func words(args []string) (out []any) {
	for _, a := range args {
		out = append(out, a)
	}
	return out
}

func whenSaving(s *redisrun.Server, args []string) error {
	children := fmt.Sprintf("/proc/%d/task/%d/children", s.PID(), s.PID())
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		b, err := os.ReadFile(children)
		if err != nil {
			return err
		}
		child := strings.TrimSpace(string(b))
		if child == "" {
			continue
		}
		time.Sleep(500 * time.Millisecond) // into its life
		if args[0] != "kill" {
			return s.Client().Do(context.Background(), words(args)...).Err()
		}
		pid, err := strconv.Atoi(child)
		if err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	return errors.New("the server had no child")
}

// scriptStatus runs a program and checks its exit status, which may be one of
// several.
//
//	status N[|N...] PROGRAM ARGS...
func scriptStatus(ts *testscript.TestScript, _ bool, args []string) {
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got, err = failed.ExitCode(), nil
	}
	ts.Check(err)
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(got)) {
		ts.Fatalf("status %d, want %s", got, args[0])
	}
}

// scriptLike compares what the last program printed with a file, line by line.
// Between « and » stands a regular expression; «…» in a line of its own is any
// number of lines. How many spaces there are does not matter.
//
//	like stdout FILE
func scriptLike(ts *testscript.TestScript, _ bool, args []string) {
	got, want := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	pattern := "^"
	for line := range strings.Lines(want) {
		line = strings.TrimSuffix(line, "\n")
		if line == "«…»" {
			pattern += "(?:.*\n)*?"
			continue
		}
		pattern += likeLine(os.Expand(line, ts.Getenv)) + " *\n"
	}
	if !regexp.MustCompile(pattern + "$").MatchString(got) {
		ts.Fatalf("%s is not like %s but\n%s", args[0], args[1], got)
	}
}

var spaces = regexp.MustCompile(` +`)

func likeLine(line string) string {
	pattern := ""
	for line != "" {
		literal, rest, _ := strings.Cut(line, "«")
		expression, after, _ := strings.Cut(rest, "»")
		pattern += spaces.ReplaceAllString(regexp.QuoteMeta(literal), " +")
		if expression != "" {
			pattern += "(?:" + expression + ")"
		}
		line = after
	}
	return pattern
}
