package taskstats

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// attr makes a netlink attribute.
func attr(kind uint16, payload ...byte) []byte {
	b := make([]byte, 4, (len(payload)+7)&^3)
	binary.NativeEndian.PutUint16(b, uint16(4+len(payload)))
	binary.NativeEndian.PutUint16(b[2:], kind)
	b = append(b, payload...)
	return b[:cap(b)]
}

func u32(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// message makes a netlink message of what follows its header.
func message(kind uint16, sequence uint32, rest ...byte) []byte {
	b := make([]byte, 16, 16+len(rest))
	binary.NativeEndian.PutUint32(b, uint32(16+len(rest)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint32(b[8:], sequence)
	return append(b, rest...)
}

// answer makes a whole answer about pid.
func answer(aggregate, kind uint16, pid uint32, between ...byte) []byte {
	inner := slices.Concat(attr(kind, u32(pid)...), between, attr(attrStats, synthetic(16, 560)...))
	return message(0x17, 1, slices.Concat([]byte{2, 1, 0, 0}, attr(aggregate, inner...))...)
}

func TestParseAnswer(t *testing.T) {
	thread, process := question{attrPID, 42}, question{attrTGID, 42}
	for _, tt := range []struct {
		what string
		b    []byte
		q    question
	}{
		{"thread", answer(attrAggrPID, attrPID, 42), thread},
		{"process", answer(attrAggrTGID, attrTGID, 42), process},
		{"with the padding of other processors", answer(attrAggrPID, attrPID, 42, attr(6)...), thread},
		{"with the flag of nesting", answer(attrAggrPID|1<<15, attrPID, 42), thread},
	} {
		s, err := parseAnswer(tt.b, tt.q)
		if err != nil || s.CopyCount != 346_883 {
			t.Errorf("%s: %+v, %v", tt.what, s, err)
		}
	}
	whole := answer(attrAggrPID, attrPID, 42)
	long := slices.Clone(whole)
	binary.NativeEndian.PutUint32(long, uint32(len(long)+1))
	for _, tt := range []struct {
		what string
		b    []byte
		q    question
		want error
	}{
		{"of another process", answer(attrAggrPID, attrPID, 43), thread, errAnswer},
		{"of a thread for a process", answer(attrAggrPID, attrPID, 42), process, errAnswer},
		{"of a process for a thread", answer(attrAggrTGID, attrTGID, 42), thread, errAnswer},
		{"empty", nil, thread, errAnswer},
		{"cut short", whole[:len(whole)-1], thread, errAnswer},
		{"longer than what was read", long, thread, errAnswer},
		{"a header only", message(0x17, 1, 2, 1, 0, 0), thread, errAnswer},
		{"a shorter header", message(0x17, 1, 2, 1), thread, errAnswer},
		{"no struct", message(0x17, 1, slices.Concat([]byte{2, 1, 0, 0}, attr(attrAggrPID, attr(attrPID, u32(42)...)...))...), thread, errAnswer},
		{"no such process", message(unix.NLMSG_ERROR, 1, u32(^uint32(unix.ESRCH)+1)...), thread, unix.ESRCH},
		{"success without an answer", message(unix.NLMSG_ERROR, 1, u32(0)...), thread, errAnswer},
	} {
		if s, err := parseAnswer(tt.b, tt.q); !errors.Is(err, tt.want) || s != (Stats{}) {
			t.Errorf("%s: %+v, error %v, want %v", tt.what, s, err, tt.want)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(answer(attrAggrPID, attrPID, 42))
	f.Add(answer(attrAggrTGID, attrTGID, 42))
	f.Add(answer(attrAggrPID, attrPID, 42, attr(6)...))
	f.Add(message(unix.NLMSG_ERROR, 1, u32(0xffffffff)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, q := range []question{{attrPID, 42}, {attrTGID, 42}} {
			if s, err := parseAnswer(b, q); err != nil && s != (Stats{}) {
				t.Fatalf("%+v, %v", s, err)
			}
		}
	})
}
