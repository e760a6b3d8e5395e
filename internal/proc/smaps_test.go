package proc

import (
	"bytes"
	"errors"
	"testing"
)

// sumsOfFixtures were added up by awk, in kB.
var sumsOfFixtures = map[string]Smaps{
	"redis-2.8.smaps":         {Rss: 412944, PrivateClean: 0, PrivateDirty: 144928, Anonymous: 411088},
	"redis-2.8.smaps_rollup":  {Rss: 412944, PrivateClean: 0, PrivateDirty: 138304, Anonymous: 411088},
	"redis-3.2.smaps":         {Rss: 394260, PrivateClean: 0, PrivateDirty: 150844, Anonymous: 392068},
	"redis-3.2.smaps_rollup":  {Rss: 394260, PrivateClean: 0, PrivateDirty: 145672, Anonymous: 392068},
	"redis-5.0.smaps":         {Rss: 388372, PrivateClean: 0, PrivateDirty: 145224, Anonymous: 386016},
	"redis-5.0.smaps_rollup":  {Rss: 388372, PrivateClean: 0, PrivateDirty: 141588, Anonymous: 386016},
	"redis-6.2.smaps":         {Rss: 30056, PrivateClean: 8, PrivateDirty: 26128, Anonymous: 27240},
	"redis-6.2.smaps_rollup":  {Rss: 30056, PrivateClean: 8, PrivateDirty: 26128, Anonymous: 27240},
	"redis-7.2.smaps":         {Rss: 32768, PrivateClean: 16, PrivateDirty: 26364, Anonymous: 27808},
	"redis-7.2.smaps_rollup":  {Rss: 32768, PrivateClean: 16, PrivateDirty: 26364, Anonymous: 27808},
	"redis-7.4.smaps":         {Rss: 33316, PrivateClean: 32, PrivateDirty: 26456, Anonymous: 28136},
	"redis-7.4.smaps_rollup":  {Rss: 33316, PrivateClean: 32, PrivateDirty: 26456, Anonymous: 28136},
	"valkey-8.0.smaps":        {Rss: 32004, PrivateClean: 0, PrivateDirty: 25836, Anonymous: 27244},
	"valkey-8.0.smaps_rollup": {Rss: 32004, PrivateClean: 0, PrivateDirty: 25836, Anonymous: 27244},
}

func bytesOf(kB Smaps) Smaps {
	return Smaps{
		Rss: kB.Rss * 1024, PrivateClean: kB.PrivateClean * 1024, PrivateDirty: kB.PrivateDirty * 1024, Anonymous: kB.Anonymous * 1024,
		LazyFree: kB.LazyFree * 1024, AnonHugePages: kB.AnonHugePages * 1024, Swap: kB.Swap * 1024,
	}
}

func TestParseSmaps(t *testing.T) {
	for name, kB := range sumsOfFixtures {
		var got Smaps
		if err := ParseSmaps(fixture(t, "smaps/"+name), &got); err != nil || got != bytesOf(kB) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", name, got, err, bytesOf(kB))
		}
	}
}

// Each size has a mapping of its own here, so that none can be taken for another.
const mappingsOfAllSizes = `55e7a978e000-55e7a980b000 r--p 00000000 fe:00 10004733    /usr/bin/redis-server
Rss:                   1 kB
Shared_Dirty:      70000 kB
Private_Clean:        20 kB
Private_Dirty:       300 kB
Anonymous:          4000 kB
LazyFree:          50000 kB
AnonHugePages:    600000 kB
Swap:            7000000 kB
SwapPss:           70000 kB
Locked:                0 kB
VmFlags: rd mr mw me
fe0000000000-fe0000001000 rw-p 00000000 00:00 0 a name: Rss: 9 kB
Rss:                   2 kB
Private_Clean:        30 kB
Private_Dirty:       400 kB
Anonymous:          5000 kB
LazyFree:          60000 kB
AnonHugePages:    100000 kB
Swap:            2000000 kB
Locked:                7 kB
THPeligible:           1
`

func TestParseSmapsSizes(t *testing.T) {
	var got Smaps
	want := bytesOf(Smaps{Rss: 3, PrivateClean: 50, PrivateDirty: 700, Anonymous: 9000, LazyFree: 110000, AnonHugePages: 700000, Swap: 9000000})
	if err := ParseSmaps([]byte(mappingsOfAllSizes), &got); err != nil || got != want {
		t.Errorf("\n got %+v, %v\nwant %+v", got, err, want)
	}
}

// blocks splits smaps before each mapping's header.
func blocks(b []byte) (out [][]byte) {
	for line := range bytes.Lines(b) {
		if len(out) == 0 || hexDigit(line[0]) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], line...)
	}
	return out
}

func TestParseSmapsCut(t *testing.T) {
	for name := range sumsOfFixtures {
		whole := fixture(t, "smaps/"+name)
		sums := []Smaps{{}} // of the first mappings
		for i := range blocks(whole) {
			var s Smaps
			if err := ParseSmaps(bytes.Join(blocks(whole)[:i+1], nil), &s); err != nil {
				t.Fatal(err)
			}
			sums = append(sums, s)
		}
		passed, at := 0, 0
		for line := range bytes.Lines(whole) {
			var s Smaps
			if err := ParseSmaps(whole[:at+len(line)/2], &s); err == nil || s != (Smaps{}) {
				t.Fatalf("%s cut inside of a line at %d: %+v, %v", name, at, s, err)
			}
			at += len(line)
			err := ParseSmaps(whole[:at], &s)
			if err == nil {
				passed++
				if want := sums[len(blocks(whole[:at]))]; s != want {
					t.Fatalf("%s cut at %d: %+v, a sum that is too small; want %+v", name, at, s, want)
				}
			} else if !errors.Is(err, ErrTruncated) {
				t.Fatalf("%s cut at %d: %v, want ErrTruncated", name, at, err)
			}
		}
		if most := 3 * len(blocks(whole)); passed == 0 || passed > most {
			t.Errorf("%s: %d of its prefixes pass, want at most %d", name, passed, most)
		}
	}
}

func TestParseSmapsErrors(t *testing.T) {
	const header = "55e7a978e000-55e7a980b000 r--p 00000000 fe:00 1\n"
	var s Smaps
	wantErr(t, "a zombie's", ParseSmaps(nil, &s), ErrGone)
	for what, text := range map[string]string{
		"a header alone":       header,
		"a header's beginning": header[:20],
		"no end":               header + "Private_Dirty: 1 kB\n",
		"no end of the first":  header + "Private_Dirty: 1 kB\n" + header + "Private_Dirty: 1 kB\nLocked: 0 kB\n",
		"a line too many":      header + "Private_Dirty: 1 kB\nLocked: 0 kB\nVmFl",
	} {
		wantErr(t, what, ParseSmaps([]byte(text), &s), ErrTruncated)
	}
	for what, text := range map[string]string{
		"an empty line":         header + "\n",
		"no colon":              header + "Rss 1 kB\n",
		"another unit":          header + "Rss: 1 MB\nLocked: 0 kB\n",
		"no number":             header + "Rss: -1 kB\nLocked: 0 kB\n",
		"overflow":              header + "Rss: 18446744073709551615 kB\nLocked: 0 kB\n",
		"a size without header": "Rss: 1 kB\n" + header + "Locked: 0 kB\n",
		"a size after the end":  header + "Locked: 0 kB\nSwap: 1 kB\n",
	} {
		if err := ParseSmaps([]byte(text), &s); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if s != (Smaps{}) {
		t.Errorf("sums in spite of errors: %+v", s)
	}
}

func FuzzParseSmaps(f *testing.F) {
	addFixtures(f, "smaps/*_rollup", uint(100), uint(16))
	f.Add(fixture(f, "smaps/redis-7.2.smaps")[:3000], uint(1500), uint(700))
	f.Add([]byte(mappingsOfAllSizes), uint(600), uint(7))
	f.Fuzz(func(t *testing.T, b []byte, cut, size uint) {
		var whole Smaps
		err := ParseSmaps(b, &whole)

		// Pieces add up to the whole.
		var parser smapsParser
		var kept []byte
		var errOfPieces error
		for rest := b; len(rest) > 0 && errOfPieces == nil; {
			n := min(len(rest), int(size%1000)+1)
			kept, errOfPieces = eachLine(append(bytes.Clone(kept), rest[:n]...), parser.line)
			rest = rest[n:]
		}
		var sum Smaps
		switch {
		case errOfPieces != nil:
		case len(kept) > 0:
			errOfPieces = ErrTruncated
		default:
			errOfPieces = parser.finish(&sum)
		}
		if (errOfPieces == nil) != (err == nil) || sum != whole {
			t.Fatalf("in pieces %+v, %v; whole %+v, %v", sum, errOfPieces, whole, err)
		}

		// What is cut is an error, or the sum of whole mappings.
		if err != nil {
			return
		}
		prefix := b[:cut%uint(len(b)+1)]
		var part Smaps
		if ParseSmaps(prefix, &part) != nil {
			return
		}
		var want Smaps
		if err := ParseSmaps(bytes.Join(blocks(b)[:len(blocks(prefix))], nil), &want); err != nil || part != want {
			t.Errorf("cut to %q: %+v; its mappings have %+v, %v", prefix, part, want, err)
		}
	})
}

func hexDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }
