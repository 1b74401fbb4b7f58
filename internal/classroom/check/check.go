// Package check holds a learner's own Dockerfile against the goals of the
// article: it builds and starts it for real, looks through the image, and says
// of each goal whether it is met, with the proof.
package check

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// The goals, in the order in which they are judged and shown.
const (
	Builds           = "builds"
	Starts           = "starts"
	Answers          = "answers"
	NotRoot          = "not-root"
	Small            = "small"
	NothingExtra     = "nothing-extra"
	AccountsReadOnly = "accounts-read-only"
)

// Goals are the ids of all of them.
var Goals = []string{Builds, Starts, Answers, NotRoot, Small, NothingExtra, AccountsReadOnly}

//go:embed facts.yaml
var factsYAML []byte

// facts is what facts.yaml explains.
var facts = func() (all struct {
	Hints                    map[string]map[doctor.Cause]string
	Instructions, Extra      map[string]*regexp.Regexp
	Official, Alpine, Debian []string
	Builders                 map[string]*regexp.Regexp
	Lacks                    []struct {
		Words *regexp.Regexp
		Says  string
	}
}) {
	if err := yaml.Unmarshal(factsYAML, &all); err != nil {
		panic(err)
	}
	return all
}()

// Report is the document of `check --json`. Its fields are a contract: fields are added, never changed.
type Report struct {
	Schema int          `json:"schema"`
	Kind   string       `json:"kind"` // check
	Met    bool         `json:"met"`  // all goals are
	Goals  []Goal       `json:"goals"`
	Notes  []string     `json:"notes"`              // such as an image that took the place of the one named
	Image  string       `json:"image,omitempty"`    // the name of what was built
	Cause  doctor.Cause `json:"cause,omitempty"`    // why it does not build, start or answer: run's and the doctor's ids
	Said   string       `json:"said,omitempty"`     // the engine's or the program's own words about it, raw
	Solves *Solves      `json:"exercise,omitempty"` // where the folder is an exercise's
	File   string       `json:"file,omitempty"`     // the Dockerfile's path
	Reason string       `json:"reason,omitempty"`   // what this environment cannot give: nothing behind it was judged
}

// Solves says whether an exercise's Dockerfile is mended: the program answers, and the exercise's own goal is met.
type Solves struct {
	Name string `json:"name"`
	Goal string `json:"goal"`
	Met  bool   `json:"met"`
}

// For holds the report against the goal of one exercise.
func (r *Report) For(e table.Exercise) {
	unmet := func(g Goal) bool { return (g.ID == Answers || g.ID == e.Goal) && !g.IsMet() }
	r.Solves = &Solves{e.Name, e.Goal, !slices.ContainsFunc(r.Goals, unmet)}
}

// Goal is what came of one.
type Goal struct {
	ID    string `json:"id"`
	Met   *bool  `json:"met"`            // nil: cannot be judged, and the proof says why
	Proof string `json:"proof"`          // a line for each piece of evidence
	Hint  string `json:"hint"`           // of one that is not met
	Line  int    `json:"line,omitempty"` // of the Dockerfile, where it is not met
}

// IsMet says whether it is; what cannot be judged is not.
func (g Goal) IsMet() bool { return g.Met != nil && *g.Met }

// Missed says whether it certainly is not met.
func (g Goal) Missed() bool { return g.Met != nil && !*g.Met }

// Request is a Dockerfile to check, and with what.
type Request struct {
	Dir        string // the build context
	Dockerfile string // its path
	Engine     *engine.Engine
	Catalog    base.Catalog
	Say        screen.Reporter // told as the work goes on; may be nil
}

// subject is a Dockerfile that is checked, and what the goals are judged by.
type subject struct {
	Request
	file *dockerfile.File
	*Report

	given     map[dockerfile.Reference]string // what takes the place of an image that is not here
	asked     []string                        // the golang images that another one takes the place of
	fault     string                          // a reference that can name nothing: the Dockerfile's own mistake
	outcome   run.Outcome
	diagnosis *doctor.Diagnosis
	files     contents
	program   *file // the binary that the image is there for; nil where none is found
}

// Do checks one Dockerfile. The error is the context's, or says that the Dockerfile
// cannot be read; all else is in the report.
func (r Request) Do(ctx context.Context) (*Report, error) {
	text, err := readText(r.Dockerfile)
	if err != nil {
		return nil, err
	}
	s := &subject{Request: r, file: dockerfile.Parse(string(text)), Report: newReport()}
	if err := s.judge(ctx); err != nil {
		s.stop(err.Error())
	}
	s.place(r.Dockerfile, s.file)
	return s.Report, ctx.Err()
}

// judge builds the Dockerfile, starts the image, looks into it, and judges. The error is the environment's.
func (s *subject) judge(ctx context.Context) error {
	if err := s.give(ctx); err != nil {
		return err
	}
	request, tidy, err := s.request()
	defer tidy()
	if err != nil {
		return err
	}
	screen.Sayf(s.Say, "building and starting %s …", s.Dockerfile)
	t := &run.Trial{Engine: s.Engine}
	if ready, err := base.InEngine(ctx, s.Engine, s.Catalog[0]); err == nil && ready != nil {
		t.BaseImage = ready.Image // an engine on another machine is asked from it
	}
	if s.outcome, err = t.Single(ctx, request); err != nil {
		return err
	}
	if s.outcome.Image == nil {
		return s.notBuilt()
	}
	img, err := source.FromEngine(ctx, s.Engine, s.outcome.Image.ID, true)
	if err != nil {
		return err
	}
	defer img.Close()
	if s.diagnosis, err = doctor.Examine(ctx, img, run.MachineOf(s.Engine), doctor.Options{}); err != nil {
		return err
	}
	if s.files, err = read(ctx, img, sourcesIn(ctx, s.Dir)); err != nil {
		return err
	}
	s.program = s.files.program(s.diagnosis.Argv, img.About().Config.WorkingDir)
	s.Image = request.Tag
	s.judgeImage()
	return nil
}

// request is the build of the Dockerfile as it is, or of a copy in which other
// images stand where this engine lacks those named. The context stays the learner's.
func (s *subject) request() (request engine.BuildRequest, tidy func(), err error) {
	place, err := filepath.Abs(s.Dockerfile)
	if err != nil {
		return request, func() {}, err
	}
	sum := sha256.Sum256([]byte(place)) // the next check of the same Dockerfile takes the name over
	request = engine.BuildRequest{
		Dir: s.Dir, Dockerfile: s.Dockerfile, Tag: fmt.Sprintf("%s:check-%x", engine.Repository, sum[:4]), Made: engine.MadeStep,
	}
	legacy := s.Engine.Builder == engine.Legacy
	if legacy { // what BuildKit sets by itself
		for _, side := range []string{"BUILD", "TARGET"} {
			request.Args = append(request.Args, side+"PLATFORM="+s.Engine.Own().String(), side+"OS="+s.Engine.OS, side+"ARCH="+s.Engine.Arch)
		}
	}
	text := s.file.With(s.given, legacy)
	if text == s.file.With(nil, false) {
		return request, func() {}, nil
	}
	if len(s.given) > 0 {
		text = syntaxLine.ReplaceAllString(text, "#") // its image would have to come from a registry, too
	}
	dir, err := os.MkdirTemp("", engine.Repository+"-")
	request.Dockerfile = filepath.Join(dir, "Dockerfile")
	if err == nil {
		err = os.WriteFile(request.Dockerfile, []byte(text), 0o644)
	}
	if ignored, missing := readText(s.Dockerfile + ".dockerignore"); missing == nil && err == nil {
		err = os.WriteFile(request.Dockerfile+".dockerignore", ignored, 0o644)
	}
	return request, func() { os.RemoveAll(dir) }, err
}

var syntaxLine = regexp.MustCompile(`(?i)\A#\s*syntax\s*=.*`)

// notBuilt notes why there is no image, where that is the Dockerfile's fault; else the error says what the environment lacks.
func (s *subject) notBuilt() error {
	o := s.outcome
	cause, proof := o.Cause, screen.Last(o.Message, 3)
	if s.fault != "" {
		cause, proof = run.BuildFailed, s.fault
	} else if o.Verdict == run.Environment {
		return errors.New(o.Why())
	} else if lack := s.lacks(o.Message); lack != "" {
		return errors.New(lack)
	} else if o.Detail != "" {
		proof = fmt.Sprintf("`%s` failed: %s", o.Detail, screen.Last(cmp.Or(o.Output, o.Message), 3))
	}
	s.Cause, s.Said = cause, o.Message
	s.not(Builds, proof, cause)
	s.rest()
	return nil
}

// Stopped is the report where the environment is at fault, such as an engine that is not there.
func Stopped(reason string) *Report {
	r := newReport()
	r.stop(reason)
	return r
}

func (r *Report) stop(reason string) {
	r.Reason = reason
	r.open(Builds, "cannot tell here: "+reason)
	r.rest()
}

// rest leaves open what is judged by an image.
func (r *Report) rest() {
	for _, id := range Goals[1:] {
		r.open(id, "not judged: there is no image")
	}
}

func newReport() *Report {
	return &Report{Schema: 1, Kind: "check", Goals: []Goal{}, Notes: []string{}}
}

func (r *Report) is(id, proof string) {
	yes := true
	r.Goals = append(r.Goals, Goal{ID: id, Met: &yes, Proof: proof})
}

// not is that a goal is not met, for a cause that has a hint of its own, or "".
func (r *Report) not(id, proof string, cause doctor.Cause) {
	no := false
	r.Goals = append(r.Goals, Goal{ID: id, Met: &no, Proof: proof, Hint: cmp.Or(facts.Hints[id][cause], facts.Hints[id]["else"])})
}

func (r *Report) open(id, proof string) { r.Goals = append(r.Goals, Goal{ID: id, Proof: proof}) }
