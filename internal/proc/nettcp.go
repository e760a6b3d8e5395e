package proc

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
)

// listening is TCP_LISTEN, in hexadecimal as net/tcp has it.
const listening = "0A"

// socket is one line of /proc/PID/net/tcp or tcp6.
type socket struct {
	local, remote netip.AddrPort // IPv4-mapped addresses are unmapped
	listens       bool
	uid           int // of the owner
	inode         uint64
}

// parseSockets returns the sockets in b, the content of /proc/PID/net/tcp or tcp6. A
// last line that is cut short is left out: the table is a snapshot in pieces anyway.
func parseSockets(b []byte) ([]socket, error) {
	var out []socket
	_, b, ok := bytes.Cut(b, []byte("\n")) // headings
	if !ok {
		return nil, fmt.Errorf("net/tcp: %w", ErrTruncated)
	}
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			break
		}
		b = rest
		s, err := parseSocket(line)
		if err != nil {
			return nil, fmt.Errorf("net/tcp: %w", err)
		}
		out = append(out, s)
	}
	return out, nil
}

// parseSocket returns the socket of one line of net/tcp.
func parseSocket(line []byte) (s socket, err error) {
	f := bytes.Fields(line)
	if len(f) < 10 {
		return s, ErrTruncated
	}
	if s.local, err = parseHexAddr(f[1]); err != nil {
		return s, err
	}
	if s.remote, err = parseHexAddr(f[2]); err != nil {
		return s, err
	}
	s.listens = string(f[3]) == listening
	if s.uid, err = whole(f[7]); err != nil {
		return s, err
	}
	inode, _, ok := number(f[9])
	if !ok {
		return s, errNoNumber
	}
	s.inode = inode
	return s, nil
}

// parseHexAddr returns the address in b, which is ADDR:PORT in hexadecimal. ADDR is
// 32-bit words as this machine keeps them in memory: little-endian, as on all
// machines that this program is built for.
func parseHexAddr(b []byte) (netip.AddrPort, error) {
	host, port, ok := bytes.Cut(b, []byte(":"))
	var a [16]byte
	var p [2]byte
	if !ok || len(host) != 8 && len(host) != 32 || len(port) != 4 {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", b)
	}
	n, err := hex.Decode(a[:], host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if _, err := hex.Decode(p[:], port); err != nil {
		return netip.AddrPort{}, err
	}
	for i := 0; i < n; i += 4 {
		slices.Reverse(a[i : i+4])
	}
	addr, _ := netip.AddrFromSlice(a[:n])
	return netip.AddrPortFrom(addr.Unmap(), uint16(p[0])<<8|uint16(p[1])), nil
}

// sockets returns the TCP sockets of the network namespace of the process pid.
func (fs FS) sockets(pid int) ([]socket, error) {
	var all []socket
	for _, table := range []string{"net/tcp", "net/tcp6"} {
		b, err := fs.read(pid, table)
		if err != nil {
			if table == "net/tcp6" { // no IPv6 in this kernel
				continue
			}
			return nil, err
		}
		s, err := parseSockets(b)
		if err != nil {
			return nil, err
		}
		all = append(all, s...)
	}
	return all, nil
}
