package collectors

func hostFamily() family {
	overcommit := &Metric{
		Name:      "redis_fork_host_overcommit_mode",
		Type:      Gauge,
		Help:      "vm.overcommit_memory of the exporter's host: 0 heuristic, 1 always, 2 strict. From Linux 5.2, mode 0 refuses only single mappings larger than memory and swap together; mode 2 can refuse forks while much memory is free.",
		Needs:     "/proc",
		Absent:    "the read failed",
		Stability: Experimental,
	}
	hugePages := &Metric{
		Name:      "redis_fork_host_transparent_hugepage",
		Type:      Gauge,
		Labels:    []string{"mode"},
		Help:      "Always 1; the mode of transparent huge pages of the exporter's host: always, madvise or never. Redis from 6.2 switches them off for itself unless told otherwise (disable-thp).",
		Needs:     "/sys",
		Absent:    "the read failed",
		Stability: Experimental,
	}
	return family{
		group:   "What is the host like?",
		metrics: []*Metric{overcommit, hugePages},
		perHost: func(h hostView, out sink) {
			present(out, overcommit, h.OvercommitMode)
			if mode, ok := h.HugePages.Get(); ok {
				out.value(hugePages, 1, mode)
			}
		},
	}
}
