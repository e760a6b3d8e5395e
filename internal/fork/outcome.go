package fork

// Outcome is how a fork's child ended.
type Outcome string

// The outcomes. Cancelled is the server's own doing (FLUSHALL, a replica that
// left, a failover) and never a failure.
const (
	OutcomeOK         Outcome = "ok"          // exit status 0
	OutcomeFailed     Outcome = "failed"      // any other exit status
	OutcomeKilled     Outcome = "killed"      // ended by a signal
	OutcomeOOM        Outcome = "oom"         // SIGKILL with a rise of an oom_kill counter
	OutcomeCancelled  Outcome = "cancelled"   // exit status 255 (servers from 6.0) or SIGUSR1 (older ones)
	OutcomeServerDied Outcome = "server_died" // the server ended before its child did, or with it
	OutcomeUnknown    Outcome = "unknown"     // nobody could tell: neither the kernel nor INFO
)

// Reason says why a child failed; it is the label of a counter and therefore
// one of a few.
type Reason string

// The reasons of failures.
const (
	ReasonExit       Reason = "exit"
	ReasonSignal     Reason = "signal"
	ReasonOOM        Reason = "oom"
	ReasonServerDied Reason = "server_died"
)

// Reasons lists every Reason.
var Reasons = [...]Reason{ReasonExit, ReasonSignal, ReasonOOM, ReasonServerDied}

// Reason returns why the outcome is a failure; false for ok, cancelled and unknown.
func (o Outcome) Reason() (Reason, bool) {
	switch o {
	case OutcomeFailed:
		return ReasonExit, true
	case OutcomeKilled:
		return ReasonSignal, true
	case OutcomeOOM:
		return ReasonOOM, true
	case OutcomeServerDied:
		return ReasonServerDied, true
	case OutcomeOK, OutcomeCancelled, OutcomeUnknown:
	}
	return "", false
}
