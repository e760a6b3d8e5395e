package opt_test

import (
	"encoding/json"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestVal(t *testing.T) {
	var absent opt.Val[int]
	if v, ok := absent.Get(); v != 0 || ok || absent.Present() || !absent.IsZero() || absent.Or(7) != 7 {
		t.Errorf("the zero Val is not absent: %+v", absent)
	}
	zero := opt.Of(0)
	if v, ok := zero.Get(); v != 0 || !ok || !zero.Present() || zero.IsZero() || zero.Or(7) != 0 {
		t.Errorf("zero is not present: %+v", zero)
	}
	if zero == absent {
		t.Error("zero equals absent")
	}
	if a, b := opt.Of(1), opt.Of(1); a != b || a == opt.Of(2) {
		t.Error("present values compare other than what they hold")
	}
}

func TestJSON(t *testing.T) {
	type record struct {
		Omitted opt.Val[int]    `json:"omitted,omitzero"`
		Null    opt.Val[int]    `json:"null"`
		Zero    opt.Val[int]    `json:"zero,omitzero"`
		Text    opt.Val[string] `json:"text,omitzero"`
	}
	in := record{Zero: opt.Of(0), Text: opt.Of("")}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"null":null,"zero":0,"text":""}`; string(b) != want {
		t.Errorf("%s, want %s", b, want)
	}
	out := record{Null: opt.Of(5)} // is overwritten with absence
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if out != in {
		t.Errorf("read back %+v, want %+v", out, in)
	}
}

func TestBadJSON(t *testing.T) {
	for _, before := range []opt.Val[int]{{}, opt.Of(3)} {
		v := before
		if err := json.Unmarshal([]byte(`"text"`), &v); err == nil {
			t.Error("no error for a text where a number belongs")
		}
		if v != before {
			t.Errorf("%+v after a failed reading of %+v", v, before)
		}
	}
	if _, err := json.Marshal(opt.Of(func() {})); err == nil {
		t.Error("no error for a value that has no JSON form")
	}
}
