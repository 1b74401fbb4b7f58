package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"optimizing-dockerfile/internal/doctor/image"
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
	d.Starts, d.Cause, d.Missing, d.Page = &no, f.cause, f.missing, f.cause.Page()
	if d.Phase = f.phase; d.Phase == "" {
		d.Phase = f.cause.Phase()
	}
	if x.start.Init && slices.Index(Causes, f.cause) >= slices.Index(Causes, MissingShell) {
		d.Phase = PhaseExec // the init has started
	}
	row := entryOf(f.cause)
	d.Summary = fill(row.summary, f.facts)
	d.Fix = Fix{Text: fill(row.fix, f.facts), Dockerfile: fill(row.dockerfile, f.facts)}
	if f.fix != nil {
		d.Fix = *f.fix
	}
	if who := d.User.Configured; strings.HasPrefix(d.Fix.Dockerfile, "RUN ") && x.as.uid != 0 && plainWord.MatchString(who) {
		d.Fix.Dockerfile = "USER 0\n" + d.Fix.Dockerfile + "\nUSER " + who
	}
	if x.turns > 1 { // somebody has started already
		x.way = slices.Insert(x.way, 0, x.first())
	}
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

// would examines the image as lines of a Dockerfile make it; nil where they change more than its config.
func (x *examination) would(ctx context.Context, lines string) (*Diagnosis, error) {
	return x.after(ctx, lines, false)
}

// after is would; with mended, what mends the fault that is found there goes along.
func (x *examination) after(ctx context.Context, lines string, mended bool) (*Diagnosis, error) {
	config, start, ok := followed(x.config, x.start, lines)
	if !ok {
		return nil, nil
	}
	return x.again(ctx, config, start, x.machine.Overrides, mended)
}

// again examines the image with another config or start, or on an engine that leaves the user more or less; nil: too large.
func (x *examination) again(ctx context.Context, config image.Config, start Start, overrides, mended bool) (*Diagnosis, error) {
	machine := x.machine
	machine.Overrides = overrides
	y := newExamination(x.base(), machine, start)
	y.second = mended
	y.config, y.env, y.files.budget = config, environment(config.Env), x.files.limits(ctx)
	defer y.files.budget.Borrow()() // one such examination after the other draws from the same time
	found, err := y.stages(ctx)
	if err == nil && mended { // once: y looks behind nothing more
		err = y.mend(ctx, found)
	}
	if errors.Is(err, image.ErrTooLarge) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	y.conclude(found)
	return y.d, nil
}

// followed is a config after a Dockerfile's lines; ok is false where they change files.
func followed(c image.Config, start Start, lines string) (image.Config, Start, bool) {
	for line := range strings.SplitSeq(lines, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		var err error
		switch word {
		case "ENTRYPOINT":
			c.Entrypoint, c.Cmd, start.Entrypoint, start.Args = nil, nil, nil, nil
			err = json.Unmarshal([]byte(rest), &c.Entrypoint)
		case "CMD":
			c.Cmd, start.Args = nil, nil
			err = json.Unmarshal([]byte(rest), &c.Cmd)
		case "USER":
			c.User, start.User = rest, ""
		case "WORKDIR":
			c.WorkingDir, start.Workdir = rest, ""
		case "ENV":
			c.Env = append(slices.Clip(c.Env), rest)
		default:
			return c, start, false
		}
		if err != nil {
			return c, start, false
		}
	}
	return c, start, true
}
