package fork

// Exit is the wait status of a child.
type Exit struct {
	Status int    // that it exited with; -1 where a signal ended it
	Signal string // that ended it, as "SIGKILL"; empty where it exited
}

// Exited reports whether the child ended by itself, with whatever status.
func (e Exit) Exited() bool { return e.Signal == "" }

// Cancelled reports whether e is the end of a child that its own server has cancelled:
// status 255, or SIGUSR1 (servers before 6.0).
func (e Exit) Cancelled() bool { return e.Exited() && e.Status == 255 || e.Signal == "SIGUSR1" }
