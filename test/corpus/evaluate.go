package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
)

// Result is what the doctor and a real start said about one case.
type Result struct {
	Case
	Diagnosis *doctor.Diagnosis
	Started   bool
	Words     string // the engine's, about the start
}

// Right reports whether the doctor's verdict agrees with the real start, and the cause with the case.
func (r Result) Right() (verdict, cause bool) {
	verdict = r.Diagnosis.Starts != nil && *r.Diagnosis.Starts == r.Started
	return verdict, verdict && r.Diagnosis.Cause == r.Cause
}

// Evaluate examines each case's image and then really starts it.
func Evaluate(ctx context.Context, e *engine.Engine, machine doctor.Machine, cases []Case) (results []Result, err error) {
	images := map[string]Spec{}
	for _, c := range cases {
		images[Tag(c.Name)] = c.Image
	}
	defer func() { err = errors.Join(err, Unload(ctx, e, images)) }()
	if err := Load(ctx, e, images); err != nil {
		return nil, err
	}
	for _, c := range cases {
		r := Result{Case: c}
		if r.Diagnosis, err = examine(ctx, e, machine, Tag(c.Name)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if r.Started, r.Words, err = Started(ctx, e, Tag(c.Name)); err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

func examine(ctx context.Context, e *engine.Engine, machine doctor.Machine, ref string) (d *doctor.Diagnosis, err error) {
	img, err := source.FromEngine(ctx, e, ref)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	return doctor.Examine(ctx, img, machine, doctor.Start{})
}

// Report prints the confusion matrix, the cause accuracy, and each case that is not as it should be.
func Report(w io.Writer, results []Result) (perfect bool) {
	var matrix [2][3]int // really: starts, dead; said: starts, cannot start, cannot tell
	causes, dead, corpus := 0, 0, 0
	var wrong []string
	for _, r := range results {
		really, said := 1, 2
		if r.Started {
			really = 0
		}
		if s := r.Diagnosis.Starts; s != nil {
			if said = 1; *s {
				said = 0
			}
		}
		matrix[really][said]++
		_, cause := r.Right()
		if !r.Started {
			if dead++; cause {
				causes++
			}
		}
		if (r.Cause == "") != r.Started {
			corpus++
			wrong = append(wrong, fmt.Sprintf("%s: the corpus expects %q, the real start says started=%v: %s", r.Name, r.Cause, r.Started, r.Words))
		}
		if !cause {
			wrong = append(wrong, fmt.Sprintf("%s: expected %q, the doctor says %q (%s); really started=%v: %s",
				r.Name, r.Cause, r.Diagnosis.Cause, r.Diagnosis.Summary, r.Started, r.Words))
		}
	}
	fmt.Fprintf(w, "%-22s %8s %8s %8s\n", "", "said:", "", "")
	fmt.Fprintf(w, "%-22s %8s %8s %8s\n", "really", "starts", "cannot", "unknown")
	for i, name := range []string{"starts", "cannot start"} {
		fmt.Fprintf(w, "%-22s %8d %8d %8d\n", name, matrix[i][0], matrix[i][1], matrix[i][2])
	}
	fmt.Fprintf(w, "\ncause right: %d of %d dead images\n", causes, dead)
	if len(wrong) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(wrong, "\n"))
	}
	return len(wrong) == 0
}
