package main

// fit shares a server's system time out between what it always needs and the
// copies: it is the line use = a·seconds + b·pages of the least squares, by sums
// that grow with each step. It tells the two apart when the copies come unevenly:
// before a fork there are none, and after it more at first than later.
type fit struct{ ss, sp, pp, su, pu float64 }

// add adds a step: so many seconds, in which so many pages were copied and so
// many seconds of system time used.
func (f *fit) add(seconds, pages, use float64) {
	f.ss += seconds * seconds
	f.sp += seconds * pages
	f.pp += pages * pages
	f.su += seconds * use
	f.pu += pages * use
}

// perPage is the system time of a page, in seconds; false if the steps don't tell.
func (f *fit) perPage() (float64, bool) {
	d := f.ss*f.pp - f.sp*f.sp
	if d <= 1e-9*f.ss*f.pp {
		return 0, false
	}
	return (f.ss*f.pu - f.sp*f.su) / d, true
}
