package collectors

import "strconv"

func hostFamily() family {
	info := &Metric{
		Name:      "redis_fork_host_info",
		Type:      Gauge,
		Labels:    []string{"kernel", "overcommit_memory", "transparent_hugepage"},
		Help:      "Always 1; the kernel of the exporter's host and what of its settings decides about forks.",
		Note:      "kernel: the running Linux, as 6.18. overcommit_memory: vm.overcommit_memory, 0 heuristic, 1 always, 2 strict; from Linux 5.2, mode 0 refuses only single mappings larger than memory and swap together, and mode 2 can refuse forks while much memory is free. transparent_hugepage: always, madvise or never; Redis from 6.2 switches them off for itself unless told otherwise (disable-thp). A label is empty where the read failed.",
		Needs:     "/proc, /sys",
		Absent:    "nothing could be read",
		Stability: Experimental,
	}
	return family{
		group:   "What is the host like?",
		metrics: []*Metric{info},
		perHost: func(h hostView, out sink) {
			kernel, overcommit := "", ""
			if k, ok := h.Kernel.Get(); ok {
				kernel = k.String()
			}
			if mode, ok := h.OvercommitMode.Get(); ok {
				overcommit = strconv.Itoa(mode)
			}
			hugePages := h.HugePages.Or("")
			if kernel+overcommit+hugePages != "" {
				out.value(info, 1, kernel, overcommit, hugePages)
			}
		},
	}
}
