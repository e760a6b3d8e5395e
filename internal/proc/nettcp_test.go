package proc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func TestParseSockets(t *testing.T) {
	tests := map[string][]socket{
		"tcp": {
			{local: addr("127.0.0.1:6379"), remote: addr("0.0.0.0:0"), listens: true, inode: 220549},
			{local: addr("127.0.0.1:6379"), remote: addr("127.0.0.1:49020"), inode: 221388},
			{local: addr("127.0.0.1:49020"), remote: addr("127.0.0.1:6379"), inode: 220568},
			{local: addr("127.0.0.1:59016"), remote: addr("127.0.0.1:7000"), inode: 220571},
		},
		"tcp6": {
			{local: addr("[::]:7000"), remote: addr("[::]:0"), listens: true, inode: 220570},
			{local: addr("[::1]:6379"), remote: addr("[::]:0"), listens: true, inode: 220550},
			{local: addr("[::1]:6379"), remote: addr("[::1]:59470"), inode: 221390},
			{local: addr("127.0.0.1:7000"), remote: addr("127.0.0.1:59016"), inode: 220572}, // IPv4-mapped
			{local: addr("[::1]:59470"), remote: addr("[::1]:6379"), inode: 220569},
		},
	}
	for name, want := range tests {
		got, err := parseSockets(fixture(t, "net/"+name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(socket{}), cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

const tcpHeadings = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func TestParseSocketsWords(t *testing.T) {
	// 2001:db8::1:2 and fe80::1; a user's socket; one in TIME_WAIT has no inode.
	got, err := parseSockets([]byte(tcpHeadings +
		"   0: B80D0120000000000000000002000100:18EB 000080FE000000000000000001000000:0001 01 0:0 00:0 0  999 0 4294967296 2 0\n" +
		"   1: 0100000A:0050 0200000A:FFFF 06 00000000:00000000 03:000016F0 00000000     0        0 0 3 0\n"))
	want := []socket{
		{local: addr("[2001:db8::1:2]:6379"), remote: addr("[fe80::1]:1"), uid: 999, inode: 4294967296},
		{local: addr("10.0.0.1:80"), remote: addr("10.0.0.2:65535")},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
}

func TestParseSocketsErrors(t *testing.T) {
	if _, err := parseSockets(nil); err == nil {
		t.Error("no headings: no error")
	}
	if s, err := parseSockets([]byte(tcpHeadings)); len(s) > 0 || err != nil {
		t.Errorf("no sockets: %v, %v", s, err)
	}
	const good = "0: 0100007F:18EB 00000000:0000 0A 0:0 00:0 0 0 0 7\n"
	if s, err := parseSockets([]byte(tcpHeadings + good)); len(s) != 1 || err != nil {
		t.Fatal(s, err)
	}
	for what, change := range map[string][2]string{
		"too few fields": {" 7\n", "\n"},
		"short address":  {"0100007F", "010007F"},
		"no hex":         {"0100007F", "0100007G"},
		"long port":      {"18EB", "018EB"},
		"no hex port":    {"18EB", "18EX"},
		"no port":        {"18EB 00000000:0000", "18EB 000000000000"},
		"uid":            {"0 0 0 7", "0 root 0 7"},
		"inode":          {" 7\n", " seven\n"},
	} {
		if _, err := parseSockets([]byte(tcpHeadings + strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// hexAddr writes an address as the kernel of a little-endian machine does.
func hexAddr(a netip.AddrPort) string {
	var s strings.Builder
	b := a.Addr().AsSlice()
	for i := 0; i < len(b); i += 4 {
		fmt.Fprintf(&s, "%02X%02X%02X%02X", b[i+3], b[i+2], b[i+1], b[i])
	}
	return fmt.Sprintf("%s:%04X", s.String(), a.Port())
}

func tcpLine(s socket) string {
	state := "01"
	if s.listens {
		state = listening
	}
	return fmt.Sprintf("   0: %s %s %s 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 0000000000000000 100 0 0 10 0\n",
		hexAddr(s.local), hexAddr(s.remote), state, s.uid, s.inode)
}

func FuzzParseSockets(f *testing.F) {
	addFixtures(f, "net/*", uint(300))
	f.Fuzz(func(t *testing.T, b []byte, cut uint) {
		all, err := parseSockets(b)
		if err != nil {
			return
		}
		part, err := parseSockets(b[:cut%uint(len(b)+1)])
		if len(part) > len(all) || !slices.Equal(part, all[:len(part)]) {
			t.Errorf("%v, and when cut %v, %v", all, part, err)
		}
		text := tcpHeadings
		for _, s := range all {
			text += tcpLine(s)
		}
		if again, err := parseSockets([]byte(text)); err != nil || !slices.Equal(again, all) {
			t.Errorf("%v was written as\n%s\nand read as %v, %v", all, text, again, err)
		}
	})
}
