package words

// What is lost without a source of readings, as clauses.
const (
	NoCurve     = "there is no curve of the child's memory, and no peak"
	CgroupCurve = "the curve is the memory cgroup's, which does not tell what is swapped out"
	CountCurve  = "the curve comes from the child's memory and the counters"
	Gaps        = "the curve has gaps where memory is given back"
	NoCopyTime  = "the time that copies take is not known"
)

// Why a record lacks something, as clauses.
const (
	StallLost       = "another fork replaced the server's figure first, or it does not answer"
	CopiesLost      = "memory was given back, or the server grew by huge pages, and from then on page faults do not tell copies"
	BeginningUnseen = "the child was there before it was first seen"
	FinalFigure     = "its final figure comes after a clean end only"
)
