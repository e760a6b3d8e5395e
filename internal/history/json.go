package history

import "encoding/json"

// MarshalJSON makes an absent curve an empty list: readers loop over it, and null
// would stop them.
func (f Fork) MarshalJSON() ([]byte, error) {
	type plain Fork // without this method
	if f.Curve == nil {
		f.Curve = []Point{}
	}
	return json.Marshal(plain(f))
}
