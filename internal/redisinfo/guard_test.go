package redisinfo

import (
	"errors"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", nil},
		{"status", "+OK\r\n", nil},
		{"error", "-ERR unknown command\r\n", nil},
		{"bulk with any bytes", "$9\r\n\x15\x03\r\n*9$\n!\r\n+OK\r\n", nil},
		{"empty bulk", "$0\r\n\r\n:1\r\n", nil},
		{"nil", "$-1\r\n*-1\r\n:1\r\n", nil},
		{"nested", "*2\r\n*1\r\n:1\r\n$1\r\na\r\n+OK\r\n", nil},
		{"RESP3", "%1\r\n+a\r\n=6\r\ntxt:ab\r\n_\r\n#t\r\n", nil},
		{"after a bulk", "$1\r\na\r\nx", errNotRESP},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n", errNotRESP},
		{"SSH", "SSH-2.0-OpenSSH_9.2\r\n", errNotRESP},
		{"empty line", "\r\n", errNotRESP},
		{"TLS alert", "\x15\x03\x01\x00\x02\x02\x46", errTLSReply},
		{"bulk at the limit", "$4194304\r\n", nil},
		{"bulk beyond it", "$4194305\r\n", errTooLarge},
		{"bulk that overflows", "$9223372036854775807\r\n", errTooLarge},
		{"bulk that overflows more", "$99999999999999999999\r\n", errTooLarge},
		{"bulk of -2", "$-2\r\n", errNotRESP},
		{"bulk of x", "$x\r\n", errNotRESP},
		{"bulk of nothing", "$\r\n", errNotRESP},
		{"array beyond its limit", "*1025\r\n", errTooLarge},
		{"line without an end", "+" + strings.Repeat("a", maxLine), errTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var whole guard
			if err := whole.check([]byte(tt.text)); !errors.Is(err, tt.want) {
				t.Errorf("at once: %v, want %v", err, tt.want)
			}
			var bytewise guard
			var err error
			for i := 0; i < len(tt.text) && err == nil; i++ {
				err = bytewise.check([]byte{tt.text[i]})
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("byte by byte: %v, want %v", err, tt.want)
			}
		})
	}
}
