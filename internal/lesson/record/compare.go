package record

import (
	"fmt"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

// tolerance is how far an image's size may be from the record's, as a share: the
// rebuilt bases follow Debian's updates, and the binary does not.
const tolerance = 0.02

// Compare tells how a run differs from a record in what is proven: outcome,
// phase, cause, what is missing, user and size. The runtime's wording and exit
// codes are compared only where the same engine has spoken.
func Compare(was, now Run) []string {
	type key struct{ step, dockerfile string }
	recorded := map[key]run.Outcome{}
	for _, o := range was.Steps {
		recorded[key{o.Step, o.Dockerfile}] = o
	}
	var differences []string
	for _, o := range now.Steps {
		k := key{o.Step, o.Dockerfile}
		r, ok := recorded[k]
		if !ok {
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
			differences = append(differences, sizes(was, now, r, o)...)
		}
		if was.Engine.Same(now.Engine) && was.Base.Source == now.Base.Source {
			differs("the message", Normalise(r.Message), Normalise(o.Message))
			differs("the exit code", status(r.ExitCode), status(o.ExitCode))
		}
	}
	return differences
}

// sizes compares the images; one that carries the base only where the base is the same kind.
func sizes(was, now Run, r, o run.Outcome) []string {
	if r.Image == nil || o.Image == nil || o.Expected.Overhead == nil && was.Base.Source != now.Base.Source {
		return nil
	}
	if diff := float64(o.Image.Bytes - r.Image.Bytes); diff > tolerance*float64(r.Image.Bytes) || -diff > tolerance*float64(r.Image.Bytes) {
		return []string{fmt.Sprintf("%s (%s): the size was %s, is %s", o.Step, o.Dockerfile, table.Size(r.Image.Bytes), table.Size(o.Image.Bytes))}
	}
	return nil
}

func status(code *int) string {
	if code == nil {
		return "none"
	}
	return fmt.Sprint(*code)
}
