package fleet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]Target{
		"localhost":                  {Name: "localhost:6379", Network: "tcp", Addr: "localhost:6379"},
		"localhost:7000":             {Name: "localhost:7000", Network: "tcp", Addr: "localhost:7000"},
		":7000":                      {Name: "127.0.0.1:7000", Network: "tcp", Addr: "127.0.0.1:7000"},
		"localhost:":                 {Name: "localhost:6379", Network: "tcp", Addr: "localhost:6379"},
		"::1":                        {Name: "[::1]:6379", Network: "tcp", Addr: "[::1]:6379"},
		"[::1]":                      {Name: "[::1]:6379", Network: "tcp", Addr: "[::1]:6379"},
		"[::1]:7000":                 {Name: "[::1]:7000", Network: "tcp", Addr: "[::1]:7000"},
		"fe80::1%eth0":               {Name: "[fe80::1%eth0]:6379", Network: "tcp", Addr: "[fe80::1%eth0]:6379"},
		"/run/redis.sock":            {Name: "unix:///run/redis.sock", Network: "unix", Addr: "/run/redis.sock"},
		"unix:///run//redis.sock":    {Name: "unix:///run/redis.sock", Network: "unix", Addr: "/run/redis.sock"},
		"unix://u@/run/redis.sock":   {Name: "unix:///run/redis.sock", Network: "unix", Addr: "/run/redis.sock", User: "u"},
		"redis://h":                  {Name: "h:6379", Network: "tcp", Addr: "h:6379"},
		"redis://h/":                 {Name: "h:6379", Network: "tcp", Addr: "h:6379"},
		"redis://h:1/0":              {Name: "h:1", Network: "tcp", Addr: "h:1"},
		"redis://u@h:1":              {Name: "h:1", Network: "tcp", Addr: "h:1", User: "u"},
		"redis://[::1]:1":            {Name: "[::1]:1", Network: "tcp", Addr: "[::1]:1"},
		"rediss://h":                 {Name: "rediss://h:6379", Network: "tcp", Addr: "h:6379", TLS: true},
		"redis://h?password_file=/p": {Name: "h:6379", Network: "tcp", Addr: "h:6379", PasswordFile: "/p"},
		"cache=h":                    {Name: "cache", Network: "tcp", Addr: "h:6379"},
		"cache=/run/r.sock":          {Name: "cache", Network: "unix", Addr: "/run/r.sock"},
		"my cache=rediss://u@h:1":    {Name: "my cache", Network: "tcp", Addr: "h:1", TLS: true, User: "u"},
		"a=redis://h?password_file=/run/a=b": {
			Name: "a", Network: "tcp", Addr: "h:6379", PasswordFile: "/run/a=b",
		},
	} {
		got, err := ParseTarget(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

func TestParseTargetErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                             `server "": no address`,
		"cache=":                       `server "cache=": no address`,
		"=h":                           `server "=h": the name before = is empty`,
		"h:1:2":                        "too many colons",
		"h:0":                          "the port is none",
		"h:65536":                      "the port is none",
		"h:-1":                         "the port is none",
		"h:no-such-service":            "the port is none",
		"a b":                          "no host name",
		"h?password_file=/p":           "no host name",
		"http://h":                     "unknown scheme",
		"redis://h/3":                  "database",
		"redis://h?db=3":               `server "redis://h?…": unknown parameter`,
		"unix://run/redis.sock":        "three slashes",
		"unix://":                      "three slashes",
		"redis://h:port":               "not a URL",
		"redis://u:hunter2@h":          `server "redis://…@h": a password on a command line is visible`,
		"redis://:hunter2@h":           "REDIS_PASSWORD",
		"unix://:hunter2@/run/r":       "REDIS_PASSWORD",
		"c=rediss://u:hunter2@h:1":     `server "c=rediss://…@h:1"`,
		"redis://u:hunter2@h:port":     `server "redis://…@h:port": not a URL`,
		"redis://u:hunt/er2@h":         "not a URL",
		"redis://u:1?hunter2@h":        `server "redis://…": `,
		"redis://u:1/hunter2@h":        `server "redis://…@h": `,
		"redis://h?password=hunter2":   `server "redis://h?…": unknown parameter`,
		"redis://h?password=hunter2@h": `server "redis://…": `,
		"redis://h/#hunter2?":          "",
		"u:hunter2@h:6379":             `server "…@h:6379": a user belongs into a URL`,
		"hunter2@h":                    `server "…@h": `,
		"HTTP://u:hunter2@h":           `server "…@h": `,
	} {
		got, err := ParseTarget(in)
		if want == "" && err == nil {
			continue
		}
		switch {
		case err == nil:
			t.Errorf("%q: no error but %+v", in, got)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, want it to say %q", in, err, want)
		case strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "er2@"):
			t.Errorf("%q: the error repeats the password: %v", in, err)
		}
	}
}

func TestDistinct(t *testing.T) {
	parse := func(all ...string) (out []Target) {
		for _, s := range all {
			target, err := ParseTarget(s)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, target)
		}
		return out
	}
	if err := distinct(parse("a", "b", "a:1", "rediss://a", "/a")); err != nil {
		t.Error(err)
	}
	for _, twice := range [][]string{
		{"a", "a"}, {"a", "redis://a:6379"}, {"x=a", "x=b"}, {"/run/r", "unix:///run/r"}, {"127.0.0.1:1", ":1"},
	} {
		if err := distinct(parse(twice...)); err == nil || !strings.Contains(err.Error(), "--server=NAME=ADDR") {
			t.Errorf("%q: %v, want an error that says how to name them", twice, err)
		}
	}
	// One server under two names is somebody's choice.
	if err := distinct(parse("x=a", "y=a")); err != nil {
		t.Error(err)
	}
}

// FuzzParseTarget puts any password into every place where people put one: the
// error must not repeat it.
func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"", "x", "a@b", "1/2", "1?2", "1#2", "://", "%zz", "=", "[", "\n", "=redis://u:p@h"} {
		f.Add(s)
	}
	const begin, end = "Zq7", "x9W"
	f.Fuzz(func(t *testing.T, s string) {
		if target, err := ParseTarget(s); err == nil && (target.Name == "" || target.Addr == "" || target.Display() == "") {
			t.Errorf("%q is %+v", s, target)
		}
		password := begin + s + end
		for _, url := range []string{
			"redis://u:" + password + "@h", "redis://:" + password + "@h:1/0", "n=rediss://u:" + password + "@h",
			"unix://u:" + password + "@/run/r", "u:" + password + "@h", "n=:" + password + "@h:1",
			"redis://h?password=" + password,
		} {
			_, err := ParseTarget(url)
			if err == nil {
				continue
			}
			if text := err.Error(); strings.Contains(text, begin) || strings.Contains(text, end) {
				t.Errorf("%q: the error repeats the password: %s", url, text)
			}
		}
	})
}
