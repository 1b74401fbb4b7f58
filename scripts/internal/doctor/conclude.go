package doctor

import (
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// conclude turns what was found into the diagnosis.
func (x *examination) conclude(f *finding) {
	d := x.d
	yes, no := true, false
	switch {
	case f == nil:
		d.Starts = &yes
		d.Summary = fmt.Sprintf("starts %s as uid %d, gid %d", d.Program, *d.User.UID, *d.User.GID)
		if d.Evidence = append(d.Evidence, x.way...); x.unexamined != "" {
			d.Summary += "; " + x.unexamined + " then was not examined"
		}
		return
	case f.cause == "":
		d.Summary = "cannot tell: " + f.why
		return
	}
	d.Starts, d.Cause, d.Missing = &no, f.cause, f.missing
	if d.Phase = f.phase; d.Phase == "" {
		d.Phase = f.cause.Phase()
	}
	row := entryOf(f.cause)
	d.Summary = fill(row.summary, f.facts)
	d.Fix = Fix{Text: fill(row.fix, f.facts), Dockerfile: fill(row.dockerfile, f.facts)}
	for _, e := range append(x.way, f.evidence...) { // by which way, and then why not
		if !slices.Contains(d.Evidence, e) {
			d.Evidence = append(d.Evidence, e)
		}
	}
}

// fill completes one of the table's texts; a test holds all of them well-formed.
func fill(text string, f facts) string {
	var out strings.Builder
	if err := template.Must(template.New("").Funcs(quoting).Parse(text)).Execute(&out, f); err != nil {
		panic(err)
	}
	return out.String()
}
