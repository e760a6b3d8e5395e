// Package limits reads what can refuse or kill a fork of a server: memory cgroups,
// the overcommit rule of the running kernel, the limits on tasks, the OOM killer,
// and the settings of the host. It knows where procfs and sysfs are mounted.
//
// Limits are all that the machine leaves one server at a moment, and FS.Read is the
// only function that fills them. A kernel's rule stands beside what it reads, with
// the version that changed it. What can't be read is absent.
//
// Nothing here forecasts, remembers or judges a fork: that is for internal/forecast
// and for who keeps Limits. What a process is and how it ends is internal/proc's,
// which this package uses and which knows nothing of limits.
package limits
