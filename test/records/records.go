// Package records keeps the documents of runs as the repo's records, and tells how a run differs from one.
package records

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// folder finds out which steps a document is of, and gives their folder in the repo at root: all
// of them must be there, by the commands that one types at the repo's root.
func folder(root string, doc record.Run) (dir string, own []table.Step, err error) {
	article, err := table.Load(filepath.Join(root, "steps"))
	if err != nil {
		return "", nil, err
	}
	for _, way := range []string{"steps", "beyond", "workshop/demos"} {
		dir = filepath.Join(root, filepath.FromSlash(way))
		if own, err = table.Load(dir, article...); err != nil {
			return "", nil, err
		}
		if len(doc.Steps) == 0 || table.At(own, doc.Steps[0].Step) < 0 {
			continue
		}
		for _, step := range own {
			for _, try := range step.Tries {
				switch o := outcome(doc, step.Name, try.Dockerfile); {
				case o == nil && try.LeftOut(doc.Engine.Builder) == "":
					return "", nil, fmt.Errorf("a record is of all steps, and %s is not in it", step.Name)
				case o != nil && !slices.ContainsFunc(o.Commands[0], func(word string) bool { return strings.HasPrefix(word, way+"/") }):
					return "", nil, errors.New("a record holds the commands as one types them at the repo's root: run this there")
				}
			}
		}
		return dir, own, nil
	}
	return "", nil, errors.New("there is no run of the article's steps, of beyond or of demos in it")
}

// Keep writes a run of all steps of a folder in the repo at root as its record; or, beside the first record, as that of another
// engine. Unless accept is set, a run that is not as expected or that differs from the record
// is refused. What the run's builder cannot do is taken over from the record, and named.
func Keep(root string, doc record.Run, beside, accept bool) (kept []string, err error) {
	if doc.Verdict == run.Environment {
		return nil, errors.New(strings.TrimSuffix("the environment stopped this run, there is nothing to record: "+doc.Reason, ": "))
	}
	dir, own, err := folder(root, doc)
	if err != nil {
		return nil, err
	}
	if was, err := record.Read(dir, doc.Base.Name); err == nil && was != nil {
		kept = keepLeftOut(&doc, *was, own)
	}
	name := doc.Base.Name
	if beside {
		version, _, _ := strings.Cut(doc.Engine.Version, "+") // Debian's own addition
		name += "." + doc.Engine.Name + "-" + version
	}
	var differences []string
	for _, o := range doc.Steps {
		for _, reason := range o.Reasons {
			differences = append(differences, o.Step+": "+reason.String())
		}
	}
	if was, err := record.Read(dir, name); err != nil {
		differences = append(differences, err.Error())
	} else if was != nil {
		differences = append(differences, Compare(*was, doc)...)
	}
	if len(differences) > 0 && !accept {
		return nil, fmt.Errorf("this run differs from the record; nothing was written (--accept takes it over):\n  %s",
			strings.Join(differences, "\n  "))
	}
	all := filepath.Join(dir, "records")
	return kept, atomicfile.Write(filepath.Join(all, name+".json"), record.Marshal(doc), all)
}

// outcome is that of one of a step's Dockerfiles; nil where it was not tried.
func outcome(r record.Run, step, dockerfile string) *run.Outcome {
	i := slices.IndexFunc(r.Steps, func(o run.Outcome) bool { return o.Step == step && o.Dockerfile == dockerfile })
	if i < 0 {
		return nil
	}
	return &r.Steps[i]
}

// keepLeftOut takes over from a record what a run had to leave out, and names it.
func keepLeftOut(r *record.Run, was record.Run, steps []table.Step) (kept []string) {
	var all []run.Outcome
	for _, step := range steps {
		for _, try := range step.Tries {
			now, before := outcome(*r, step.Name, try.Dockerfile), outcome(was, step.Name, try.Dockerfile)
			switch {
			case now != nil:
				all = append(all, *now)
			case before != nil && try.LeftOut(r.Engine.Builder) != "":
				o := *before
				o.Before = cmp.Or(o.Before, was.MadeBy())
				all, kept = append(all, o), append(kept, fmt.Sprintf("%s (%s), of %s", o.Step, o.Dockerfile, o.Before))
			}
		}
	}
	r.Steps = all
	return kept
}

// tolerance is how far an image's size may be from the record's, as a share: the
// rebuilt bases follow Debian's updates, and the binary does not.
const tolerance = 0.02

// Compare tells how a run differs from a record in what is proven: outcome,
// phase, cause, what is missing, user and size. The runtime's wording and exit
// codes are compared only where the same engine has spoken.
func Compare(was, now record.Run) []string {
	var differences []string
	for _, o := range now.Steps {
		r := outcome(was, o.Step, o.Dockerfile)
		if r == nil {
			continue // a new step has nothing to differ from
		}
		differs := func(what string, then, today any) {
			if then != today {
				differences = append(differences, fmt.Sprintf("%s (%s): %s was %v, is %v", o.Step, o.Dockerfile, what, then, today))
			}
		}
		differs("the outcome", r.Outcome, o.Outcome)
		differs("the phase", r.Phase, o.Phase)
		differs("the cause", r.Cause, o.Cause)
		differs("the user", r.User, o.User)
		if o.Outcome == table.Fails { // what runs in a large image is not asked for its C library
			differs("the libc", r.Libc, o.Libc)
		}
		if was.Base.Platform == now.Base.Platform {
			differs("what is missing", r.Missing, o.Missing)
			// of images that carry the base only where the base is the same kind
			comparable := r.Image != nil && o.Image != nil && (o.Expected.Overhead != nil || was.Base.Source == now.Base.Source)
			if comparable && math.Abs(float64(o.Image.Bytes-r.Image.Bytes)) > tolerance*float64(r.Image.Bytes) {
				differs("the size", screen.Size(r.Image.Bytes), screen.Size(o.Image.Bytes))
			}
		}
		if was.Engine.Same(now.Engine) && was.Base.Source == now.Base.Source {
			differs("the message", record.Normalise(r.Message), record.Normalise(o.Message))
			running := -1
			status := func(code *int) int { return *cmp.Or(code, &running) }
			differs("the exit code", status(r.ExitCode), status(o.ExitCode))
		}
	}
	return differences
}
