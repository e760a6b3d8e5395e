package fork

import "encoding/json"

// MarshalJSON makes an absent curve an empty list: readers loop over it, and null
// would stop them.
func (f Record) MarshalJSON() ([]byte, error) {
	type plain Record // without this method
	if f.Curve == nil {
		f.Curve = []Point{}
	}
	return json.Marshal(plain(f))
}
