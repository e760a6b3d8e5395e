package taskstats

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// Attributes from linux/taskstats.h. That of a request has the same number as
// the pid in its answer.
const (
	attrPID  = 1 // TASKSTATS_CMD_ATTR_PID, TASKSTATS_TYPE_PID
	attrTGID = 2 // TASKSTATS_CMD_ATTR_TGID, TASKSTATS_TYPE_TGID

	attrStats    = 3 // TASKSTATS_TYPE_STATS
	attrAggrPID  = 4 // TASKSTATS_TYPE_AGGR_PID: holds attrPID and attrStats
	attrAggrTGID = 5 // TASKSTATS_TYPE_AGGR_TGID: holds attrTGID and attrStats

	attrTypeMask = 1<<14 - 1 // NLA_TYPE_MASK: above it are flags
)

const (
	commandGet    = 1 // TASKSTATS_CMD_GET
	familyVersion = 1 // TASKSTATS_GENL_VERSION

	messageHeader = unix.SizeofNlMsghdr
	headers       = messageHeader + unix.GENL_HDRLEN
	requestSize   = headers + unix.SizeofNlAttr + 4
)

var errAnswer = errors.New("the kernel's answer is not one to the question")

// question asks for the figures of pid; attr is attrPID for a thread's, attrTGID for
// a process's.
type question struct {
	attr uint16
	pid  uint32
}

// putRequest writes into b the message that asks q of the netlink family. sequence is
// the message's number, by which the answer is known.
func putRequest(b *[requestSize]byte, family uint16, sequence uint32, q question) {
	*b = [requestSize]byte{}
	order := binary.NativeEndian
	order.PutUint32(b[0:], requestSize)
	order.PutUint16(b[4:], family)
	order.PutUint16(b[6:], unix.NLM_F_REQUEST)
	order.PutUint32(b[8:], sequence)
	// The sender's port, at 12, is known to the kernel: 0 will do.
	b[messageHeader] = commandGet
	b[messageHeader+1] = familyVersion
	order.PutUint16(b[headers:], unix.SizeofNlAttr+4)
	order.PutUint16(b[headers+2:], q.attr)
	order.PutUint32(b[headers+unix.SizeofNlAttr:], q.pid)
}

// sequenceOf returns the number of the request that the message b answers; ok is
// false where b is too short for one.
func sequenceOf(b []byte) (sequence uint32, ok bool) {
	if len(b) < messageHeader {
		return 0, false
	}
	return binary.NativeEndian.Uint32(b[8:]), true
}

// parseAnswer returns the figures in b, one message, which has to answer q: figures
// of another process would be worse than none. Where the kernel refused, the error is
// its Errno.
func parseAnswer(b []byte, q question) (Stats, error) {
	if len(b) < messageHeader+4 {
		return Stats{}, errAnswer
	}
	order := binary.NativeEndian
	size := order.Uint32(b)
	if size < messageHeader+4 || uint64(size) > uint64(len(b)) {
		return Stats{}, errAnswer
	}
	b = b[:size]
	if order.Uint16(b[4:]) == unix.NLMSG_ERROR {
		errno := -int32(order.Uint32(b[messageHeader:]))
		if errno <= 0 {
			return Stats{}, errAnswer
		}
		return Stats{}, unix.Errno(errno)
	}
	aggregate := uint16(attrAggrPID)
	if q.attr == attrTGID {
		aggregate = attrAggrTGID
	}
	inner, ok := attribute(b[headers:], aggregate)
	if !ok {
		return Stats{}, errAnswer
	}
	pid, ok := attribute(inner, q.attr)
	if !ok || len(pid) != 4 || order.Uint32(pid) != q.pid {
		return Stats{}, errAnswer
	}
	stats, ok := attribute(inner, attrStats)
	if !ok {
		return Stats{}, errAnswer
	}
	return Parse(stats)
}

// attribute returns the payload of the first attribute in b of the type attr.
func attribute(b []byte, attr uint16) (payload []byte, ok bool) {
	for len(b) >= unix.SizeofNlAttr {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofNlAttr || size > len(b) {
			return nil, false
		}
		if binary.NativeEndian.Uint16(b[2:])&attrTypeMask == attr {
			return b[unix.SizeofNlAttr:size], true
		}
		const align = unix.NLA_ALIGNTO - 1
		b = b[min((size+align)&^align, len(b)):]
	}
	return nil, false
}
