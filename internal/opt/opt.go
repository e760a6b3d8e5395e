// Package opt has one type: a value that may be absent.
//
// Servers of different versions send different INFO fields, and kernels refuse
// some reads to some users. Zero would be a lie in all of these cases, so
// "absent" is a state of its own, all the way from the parser to the metric
// that is then not exported.
package opt

import "encoding/json"

// Val is a T or nothing. The zero Val is absent.
type Val[T any] struct {
	v  T
	ok bool
}

// Of returns a present value.
func Of[T any](v T) Val[T] { return Val[T]{v: v, ok: true} }

// Get returns the value, and whether there is one.
func (o Val[T]) Get() (T, bool) { return o.v, o.ok }

// Or returns the value, or instead when absent.
func (o Val[T]) Or(instead T) T {
	if o.ok {
		return o.v
	}
	return instead
}

// Present reports whether there is a value.
func (o Val[T]) Present() bool { return o.ok }

// IsZero reports absence; it makes the JSON tag omitzero leave absent values out.
func (o Val[T]) IsZero() bool { return !o.ok }

// MarshalJSON writes the value, or null when absent.
func (o Val[T]) MarshalJSON() ([]byte, error) {
	if !o.ok {
		return []byte("null"), nil
	}
	return json.Marshal(o.v)
}

// UnmarshalJSON reads a value; null is absent.
func (o *Val[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*o = Val[T]{}
		return nil
	}
	if err := json.Unmarshal(b, &o.v); err != nil {
		return err
	}
	o.ok = true
	return nil
}
