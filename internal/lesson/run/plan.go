package run

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// job is one try.
type job struct {
	*Trial
	step      table.Step
	try       table.Try
	only      bool // build it, to hold others against it; do not start it
	file      *dockerfile.File
	stage     []string // the instructions of its first stage
	folder    string   // names and sums of the build context's files
	compiled  int      // how many of stage's instructions, up to its last RUN; all where it has none
	request   engine.BuildRequest
	image     engine.Image      // what the engine says of it, once it is built
	diagnosis *doctor.Diagnosis // of the image, once the doctor was asked
	proof     *doctor.Diagnosis // the same, once it fails or is small: the outcome tells of it
	outcome   Outcome
	fault     error // the environment's, that kept it from being tried
}

// plan makes the jobs, in the lesson's order: those asked for, and the builds that they
// are held against.
func (t *Trial) plan(steps []table.Step) (jobs []*job) {
	for _, step := range t.Steps {
		for _, try := range step.Tries {
			only := table.At(steps, step.Name) < 0
			if only && (try.Dockerfile != step.Main().Dockerfile || !needed(steps, step.Name)) {
				continue
			}
			j := t.job(step, try, engine.BuildRequest{
				Dir: step.Context, Dockerfile: filepath.Join(step.Dir, try.Dockerfile), Tag: t.Tag(step, try.Dockerfile), Made: engine.MadeStep,
				Args: append([]string{"GO_IMAGE=" + t.BaseImage}, try.Args...), Layouts: t.Given, Platform: t.Platform,
			})
			j.only = only
			if why := try.LeftOut(t.Engine.Builder); why != "" {
				if !only {
					screen.Sayf(t.Report, "left out: %s (%s): %s", step.Name, try.Dockerfile, why)
				}
				continue
			}
			j.lookAhead()
			j.tell(Event{Doing: Waiting})
			jobs = append(jobs, j)
		}
	}
	return jobs
}

func (t *Trial) job(step table.Step, try table.Try, request engine.BuildRequest) *job {
	return &job{Trial: t, step: step, try: try, request: request, outcome: Outcome{
		Step: step.Name, Dockerfile: try.Dockerfile, Expected: try.Expect,
		Commands: [][]string{append([]string{t.Engine.Name}, t.Engine.BuildCommand(request)...)},
	}}
}

// Tag is the name of a step's image: the step's, then what tells its other
// Dockerfiles and bases apart. Steps of another folder than the repo's do not
// take over the names of the repo's.
func (t *Trial) Tag(step table.Step, dockerfile string) string {
	tag := step.Name
	if _, variant, ok := strings.Cut(dockerfile, "."); ok {
		tag += "-" + variant
	}
	if t.Base != "article" {
		tag += "-" + strings.Trim(engine.Tag(t.Base), "-")
	}
	if way, err := filepath.Rel(t.Root, step.Dir); err != nil || !filepath.IsLocal(way) {
		tag += fmt.Sprintf("-%x", sha256.Sum256([]byte(step.Dir)))[:9]
	}
	return engine.Repository + ":" + engine.Tag(tag)
}

// lookAhead notes what the order of the builds goes by. The builder decides for itself what it has made before: a wrong
// guess here costs time, and where an old builder makes the same twice at once, layers that steps would have in common.
func (j *job) lookAhead() {
	text, _ := os.ReadFile(j.request.Dockerfile)
	j.file = dockerfile.Parse(string(text))
	j.stage, j.compiled = firstStage(j.file)
	ignored, _ := os.ReadFile(filepath.Join(j.request.Dir, ".dockerignore"))
	files, _ := os.ReadDir(j.request.Dir)
	for _, file := range files {
		unseen := func(pattern string) bool {
			matched, _ := path.Match(strings.TrimPrefix(strings.TrimPrefix(pattern, "**"), "/"), file.Name())
			return matched
		}
		if file.Type().IsRegular() && !slices.ContainsFunc(strings.Fields(string(ignored)), unseen) {
			content, _ := os.ReadFile(filepath.Join(j.request.Dir, file.Name()))
			j.folder += fmt.Sprintf("%s %x\n", file.Name(), sha256.Sum256(content))
		}
	}
}

// firstStage gives the instructions up to the end of the first stage, without its name, which changes nothing, and how
// many of them compile: those up to the last RUN.
func firstStage(f *dockerfile.File) (stage []string, compiled int) {
	for _, in := range f.Instructions {
		switch {
		case in.Word == "FROM" && slices.ContainsFunc(stage, func(before string) bool { return strings.HasPrefix(before, "FROM ") }):
			return stage, cmp.Or(compiled, len(stage))
		case in.Word == "FROM":
			in.Rest = strings.Fields(in.Rest + " -")[0]
		case in.Word == "RUN":
			compiled = len(stage) + 1
		}
		stage = append(stage, strings.Join(append([]string{in.Word, in.Rest}, in.Flags...), " "))
	}
	return stage, cmp.Or(compiled, len(stage))
}

// shares says with how many of its instructions a try begins as another does, of the same files where they copy some.
func (j *job) shares(other *job) (n int) {
	for n < min(len(j.stage), len(other.stage)) && j.stage[n] == other.stage[n] {
		if word, _, _ := strings.Cut(j.stage[n], " "); (word == "COPY" || word == "ADD") && j.folder != other.folder {
			break
		}
		n++
	}
	return n
}

// needed says whether one of the steps is held against the image of the step name.
func needed(steps []table.Step, name string) bool {
	for _, step := range steps {
		for _, try := range step.Tries {
			if try.Expect.SameLayersAs == name || step.Against == name && (try.Expect.Saves > 0 || try.Expect.NumericUser != nil) {
				return true
			}
		}
	}
	return false
}

// tell hands on where a try is, of those that somebody asked for.
func (j *job) tell(e Event) {
	if j.Report != nil && !j.only {
		e.Step, e.Dockerfile = j.step.Name, j.try.Dockerfile
		j.Report.Step(e)
	}
}
