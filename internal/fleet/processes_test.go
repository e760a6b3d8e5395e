package fleet

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

func TestClaims(t *testing.T) {
	p, one := NewProcesses(), proc.ID{PID: 7, Start: 100}
	if owner, freed := p.Claim(one, "a"); owner != "a" || freed != nil {
		t.Fatalf("owner %q, want the first who asks", owner)
	}
	if owner, freed := p.Claim(one, "a"); owner != "a" || freed != nil {
		t.Errorf("owner %q, want a, which has it already", owner)
	}
	if owner, freed := p.Claim(proc.ID{PID: 7, Start: 200}, "b"); owner != "b" || freed != nil {
		t.Errorf("owner %q of another process with the same pid, want b", owner)
	}
	owner, freed := p.Claim(one, "b")
	if owner != "a" || freed == nil {
		t.Fatalf("owner %q, want a still", owner)
	}
	p.Release(one, "b") // which does not have it
	p.Release(proc.ID{PID: 8}, "a")
	select {
	case <-freed:
		t.Fatal("freed by a stranger")
	default:
	}
	p.Release(one, "a")
	<-freed
	if owner, freed := p.Claim(one, "b"); owner != "b" || freed != nil {
		t.Errorf("owner %q, want b: the process was free", owner)
	}
}
