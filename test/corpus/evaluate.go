package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

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
	Fixed     string // of a dead image: why its fix, followed, does not start it; empty: it does
}

// Right reports whether the doctor's verdict agrees with the real start, and the cause with the case.
func (r Result) Right() (verdict, cause bool) {
	verdict = r.Diagnosis.Starts != nil && *r.Diagnosis.Starts == r.Started
	return verdict, verdict && r.Diagnosis.Cause == r.Cause
}

// Evaluate examines each case's image and then really starts it; and so, where it is dead, what its fix, followed, makes of it.
func Evaluate(ctx context.Context, e *engine.Engine, machine doctor.Machine, cases []Case) (results []Result, err error) {
	images, fixed := map[string]Spec{}, map[string]Spec{}
	for _, c := range cases {
		images[Tag(c.Name)] = c.Image
	}
	defer func() { err = errors.Join(err, Unload(ctx, e, images), Unload(ctx, e, fixed)) }()
	if err := Load(ctx, e, images); err != nil {
		return nil, err
	}
	for _, c := range cases {
		if c.refused(machine) && c.Cause != "" {
			continue // no fix makes it start here
		}
		r := Result{Case: c.On(machine)}
		if r.Diagnosis, err = examine(ctx, e, machine, Tag(c.Name)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if r.Started, r.Words, err = started(ctx, e, Tag(c.Name)); err != nil {
			return nil, err
		}
		if r.Diagnosis.Cause != "" {
			if s, err := Fixed(r.Case, r.Diagnosis); err != nil {
				r.Fixed = err.Error()
			} else {
				fixed[Tag(r.Name+"-fixed")] = s
			}
		}
		results = append(results, r)
	}
	if err := Load(ctx, e, fixed); err != nil {
		return nil, err
	}
	for i, r := range results {
		tag := Tag(r.Name + "-fixed")
		if _, made := fixed[tag]; !made {
			continue
		}
		started, words, err := started(ctx, e, tag)
		if err != nil {
			return nil, err
		}
		if !started {
			results[i].Fixed = "it does not start either: " + words
		}
	}
	return results, nil
}

func examine(ctx context.Context, e *engine.Engine, machine doctor.Machine, ref string) (d *doctor.Diagnosis, err error) {
	img, err := source.FromEngine(ctx, e, ref, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	return doctor.Examine(ctx, img, machine, doctor.Options{})
}

// Report prints the confusion matrix, the cause accuracy, and each case that is not as it should be.
func Report(w io.Writer, results []Result) (perfect bool) {
	var matrix [2][3]int // really: starts, dead; said: starts, cannot start, cannot tell
	causes, fixed, dead, corpus := 0, 0, 0, 0
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
			if r.Diagnosis.Cause != "" && r.Fixed == "" {
				fixed++
			} else {
				wrong = append(wrong, fmt.Sprintf("%s: its fix was followed, and %s\n%s", r.Name, r.Fixed, r.Diagnosis.Fix.Dockerfile))
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
	verdicts := matrix[0][0] + matrix[1][1]
	fmt.Fprintf(w, "\nverdict right: %d of %d images\ncause right: %d of %d dead images\nfix right: %d of %d\n", verdicts,
		len(results), causes, dead, fixed, dead)
	if len(wrong) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(wrong, "\n"))
	}
	return len(wrong) == 0
}

// Tag is the tag of a case's image.
func Tag(name string) string { return engine.Repository + "/doctor-test:" + strings.ToLower(name) }

// labels mark the images as ours, so that `clean` takes away what is left of them.
var labels = map[string]string{engine.LabelMade: "doctor-test"}

// Load makes images in the engine, all at once: tags to specs.
func Load(ctx context.Context, e *engine.Engine, images map[string]Spec) error {
	if len(images) == 0 {
		return nil
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(Save(w, images, labels)) }()
	return e.Run(ctx, r, nil, nil, "load", "--quiet")
}

// Unload removes them.
func Unload(ctx context.Context, e *engine.Engine, images map[string]Spec) error {
	if len(images) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	_, err := e.Output(ctx, append([]string{"rmi", "--force"}, slices.Collect(maps.Keys(images))...)...)
	return err
}

// started is the truth about an image: a container of it is really started, and
// its program has, or has not, said Marker. words are what the engine said of it.
func started(ctx context.Context, e *engine.Engine, tag string) (started bool, words string, err error) {
	var out, complaint strings.Builder
	args := append([]string{"run", "--rm", "--pull=never", "--network=none"}, engine.Ours()...)
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	err = e.Run(ctx, nil, &out, &complaint, append(args, tag)...)
	words = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(complaint.String()), "Run 'docker run --help' for more information"))
	var failed *engine.Failed
	if err != nil && !errors.As(err, &failed) {
		return false, words, fmt.Errorf("starting %s: %w", tag, err)
	}
	return strings.Contains(out.String(), strings.TrimSpace(Marker)), words, nil
}
