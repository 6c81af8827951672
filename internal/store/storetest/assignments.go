package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

func (b *bench) write(c campaign.ID, v campaign.Version, rows ...store.AssignmentRow) {
	b.Helper()
	b.no(b.ks.WriteAssignments(b.ctx(), c, v, now.Add(time.Hour), rows))
}

func (b *bench) count(c campaign.ID, v campaign.Version) int64 {
	b.Helper()
	n, err := b.ks.CountAssignments(b.ctx(), c, v)
	b.no(err)
	return n
}

func row(user string, line int64, value string) store.AssignmentRow {
	return store.AssignmentRow{User: user, Line: line, Variables: map[string]string{"v": value}}
}

// value is what a person has in a version, or "none".
func (b *bench) value(user string, c campaign.ID, v campaign.Version) string {
	b.Helper()
	for _, a := range b.person(user).Assignments {
		if a.Campaign == c && a.Version == v {
			return a.Variables["v"]
		}
	}
	return "none"
}

func testAssignments(b *bench) {
	vars := map[string]string{"a": "1", "b": "", "ü": "\"\\\x00\n🙂"}
	b.write("c", 1, store.AssignmentRow{User: "anna", Line: 1, Variables: vars}, store.AssignmentRow{User: "ben", Line: 2})
	b.write("c", 4294967295, store.AssignmentRow{User: "anna", Line: 1, Variables: map[string]string{"a": "2"}})
	b.write("d", 1, store.AssignmentRow{User: "anna", Line: 1})
	b.no(b.ks.WriteAssignments(b.ctx(), "e", 1, now, nil))
	got := b.person("anna")
	until := now.Add(time.Hour)
	want := map[string]store.Assignment{
		"c 1":          {Campaign: "c", Version: 1, Until: until, Variables: vars},
		"c 4294967295": {Campaign: "c", Version: 4294967295, Until: until, Variables: map[string]string{"a": "2"}},
		"d 1":          {Campaign: "d", Version: 1, Until: until},
	}
	all := map[string]store.Assignment{}
	for _, a := range got.Assignments {
		all[fmt.Sprint(a.Campaign, " ", a.Version)] = a
	}
	b.equal(want, all, "assignments")
	b.equal(uint64(0), got.Rev, "the revision: assignments are not changes of a person")
	b.equal(1, len(b.person("ben").Assignments), "assignments of ben")
	for _, n := range []struct {
		c campaign.ID
		v campaign.Version
		n int64
	}{{"c", 1, 2}, {"c", 4294967295, 1}, {"c", 2, 0}, {"d", 1, 1}, {"e", 1, 0}} {
		b.equal(n.n, b.count(n.c, n.v), "rows of %s %d", n.c, n.v)
	}
}

// testLines: of several rows the one with the highest line counts, in any order of arrival.
func testLines(b *bench) {
	b.write("c", 1, row("anna", 5, "five"))
	b.write("c", 1, row("anna", 3, "three"))
	b.equal("five", b.value("anna", "c", 1), "a lower line came later")
	b.write("c", 1, row("anna", 9, "nine"))
	b.equal("nine", b.value("anna", "c", 1), "a higher line came later")
	b.write("c", 1, row("anna", 9, "nine"))
	b.equal("nine", b.value("anna", "c", 1), "repeated")
	b.write("c", 1, row("ben", 2, "two"), row("ben", 7, "seven"), row("ben", 4, "four"))
	b.equal("seven", b.value("ben", "c", 1), "several in one batch")
	b.write("c", 1, store.AssignmentRow{User: "anna", Line: 10})
	b.equal("", b.value("anna", "c", 1), "a row without variables replaces one that has some")
	b.write("c", 2, row("anna", 1, "other"))
	b.equal("", b.value("anna", "c", 1), "another version")
	b.equal(int64(2), b.count("c", 1), "rows")
}

func testUntil(b *bench) {
	for name, until := range map[campaign.ID]time.Time{"past": now.Add(-time.Millisecond), "now": now, "later": now.Add(time.Hour)} {
		b.no(b.ks.WriteAssignments(b.ctx(), name, 1, until, []store.AssignmentRow{{User: "anna", Line: 1}}))
	}
	names := func(at time.Time) (out []string) {
		p, err := b.ks.Person(b.ctx(), "anna", at)
		b.no(err)
		for _, a := range p.Assignments {
			out = append(out, string(a.Campaign))
		}
		return sorted(out)
	}
	b.equal([]string{"later", "now"}, names(now), "now")
	b.equal([]string{"later", "now", "past"}, names(now.Add(-time.Millisecond)), "a moment ago")
	b.equal([]string{"later"}, names(now.Add(time.Millisecond)), "in a moment")
	b.equal([]string(nil), names(now.Add(time.Hour+time.Millisecond)), "later")
}

func testDrop(b *bench) {
	var rows []store.AssignmentRow
	for i := range 25 {
		rows = append(rows, row(fmt.Sprintf("user%02d", i), int64(i+1), "x"))
	}
	b.write("c", 1, rows...)
	b.write("c", 2, rows...)
	b.write("d", 1, rows...)
	for _, limit := range []int{0, -1} {
		_, err := b.ks.DropAssignments(b.ctx(), "c", 1, limit)
		b.is(err, fault.Invalid, "dropping %d: 0 removed would mean that none is left", limit)
	}
	total := 0
	for {
		n, err := b.ks.DropAssignments(b.ctx(), "c", 1, 10)
		b.no(err)
		if n > 10 {
			b.Fatalf("%d rows removed, 10 allowed", n)
		}
		if n == 0 {
			break
		}
		total += n
	}
	b.equal(25, total, "rows removed")
	b.equal([]int64{0, 25, 25}, []int64{b.count("c", 1), b.count("c", 2), b.count("d", 1)}, "rows left")
	b.equal("none", b.value("user07", "c", 1), "a dropped row")
	b.write("c", 1, rows[0])
	b.equal("x", b.value("user00", "c", 1), "written again, with the line that it had")
}

func testAssignmentLimits(b *bench) {
	many := make([]store.AssignmentRow, store.MaxBatch+1)
	for i := range many {
		many[i] = row(fmt.Sprint("user", i), int64(i+1), "x")
	}
	b.is(b.ks.WriteAssignments(b.ctx(), "c", 1, now, many), fault.TooLarge, "a large batch")
	b.equal(int64(0), b.count("c", 1), "rows of a batch that was refused")
	b.no(b.ks.WriteAssignments(b.ctx(), "c", 1, now, many[:store.MaxBatch]))
	b.equal(int64(store.MaxBatch), b.count("c", 1), "rows of the largest batch")

	most := strings.Repeat("x", store.MaxVariables-len(`{"v":""}`))
	b.write("d", 1, row("anna", 1, most))
	b.equal(len(most), len(b.value("anna", "d", 1)), "octets of the largest value")
	for what, r := range map[string]struct {
		row  store.AssignmentRow
		kind fault.Kind
	}{
		"large variables": {row("anna", 2, most+"x"), fault.TooLarge},
		"large as JSON":   {row("anna", 2, most[1:]+"\x01"), fault.TooLarge},
		"no user":         {row("", 2, "x"), fault.Invalid},
	} {
		err := b.ks.WriteAssignments(b.ctx(), "d", 1, now.Add(time.Hour), []store.AssignmentRow{row("ben", 1, "x"), r.row})
		b.is(err, r.kind, "%s", what)
	}
	b.equal(int64(1), b.count("d", 1), "rows of batches that were refused")
}

// testAssignmentRace: batches with the same people at once, each person ends with the highest line.
func testAssignmentRace(b *bench) {
	const workers, people = 8, 60
	errs := together(workers, func(w int) error {
		rng := rand.New(rand.NewPCG(1, uint64(w))) //nolint:gosec // reproducible order
		for _, p := range rng.Perm(people) {
			line := int64(p*workers + w + 1)
			if err := b.ks.WriteAssignments(b.ctx(), "c", 1, now, []store.AssignmentRow{row(fmt.Sprint("user", p), line, fmt.Sprint(w))}); err != nil {
				return err
			}
		}
		return nil
	})
	b.equal(workers, b.winners(errs, fault.Internal), "workers")
	b.equal(int64(people), b.count("c", 1), "rows")
	for p := range people {
		b.equal(fmt.Sprint(workers-1), b.value(fmt.Sprint("user", p), "c", 1), "user %d", p)
	}
}

func testTemplates(b *bench) {
	_, err := b.ks.Template(b.ctx(), "missing")
	b.is(err, fault.NotFound, "a template that is not there")
	for digest, body := range map[string]string{"small": "\x00\xff", "empty": "", "largest": strings.Repeat("x", store.MaxBlob)} {
		for range 2 {
			b.no(b.ks.PutTemplate(b.ctx(), digest, []byte(body)))
		}
		got, err := b.ks.Template(b.ctx(), digest)
		b.no(err)
		if string(got) != body {
			b.Errorf("the %s template came back with %d octets", digest, len(got))
		}
	}
	b.is(b.ks.PutTemplate(b.ctx(), "large", make([]byte, store.MaxBlob+1)), fault.TooLarge, "a large template")
	b.is(b.ks.PutTemplate(b.ctx(), "", []byte("x")), fault.Invalid, "a template without a digest")
	b.no(b.ks.PutTemplate(b.ctx(), "small", []byte("other")))
	got, err := b.ks.Template(b.ctx(), "small")
	b.no(err)
	b.equal("\x00\xff", string(got), "a template is kept for ever")
}
