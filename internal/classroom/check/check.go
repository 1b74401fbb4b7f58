// Package check holds a learner's own Dockerfile against the goals of the
// article: it builds and starts it for real, looks through the image, and says
// of each goal whether it is met, with the proof.
package check

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

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

// Report is the document of `check --json`. Its fields are a contract: fields are added, never changed.
type Report struct {
	Schema int      `json:"schema"`
	Kind   string   `json:"kind"` // check
	Met    bool     `json:"met"`  // all goals are
	Goals  []Goal   `json:"goals"`
	Notes  []string `json:"notes"`              // such as an image that took the place of the one named
	Image  string   `json:"image,omitempty"`    // the name of what was built
	Cause  string   `json:"cause,omitempty"`    // why it does not build, start or answer: run's and the doctor's ids
	Said   string   `json:"said,omitempty"`     // the engine's or the program's own words about it, raw
	Solves *Solves  `json:"exercise,omitempty"` // where the folder is an exercise's
	File   string   `json:"file,omitempty"`     // the Dockerfile's path
	Reason string   `json:"reason,omitempty"`   // what this environment cannot give: nothing behind it was judged
}

// Solves says whether an exercise's Dockerfile is mended: the program answers, and the exercise's own goal is met.
type Solves struct {
	Name string `json:"name"`
	Goal string `json:"goal"`
	Met  bool   `json:"met"`
}

// For holds the report against the goal of one exercise.
func (r *Report) For(e table.Exercise) {
	r.Solves = &Solves{e.Name, e.Goal, true}
	for _, goal := range r.Goals {
		if goal.ID == Answers || goal.ID == e.Goal {
			r.Solves.Met = r.Solves.Met && goal.IsMet()
		}
	}
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

// Request is a Dockerfile to check.
type Request struct {
	Dir        string // the build context
	Dockerfile string // its path
}

// Checker is what checks have in common.
type Checker struct {
	Engine  *engine.Engine
	Catalog base.Catalog
	Say     screen.Reporter // told as the work goes on; may be nil
}

// subject is what the goals are judged by.
type subject struct {
	outcome   run.Outcome
	diagnosis *doctor.Diagnosis
	files     contents
	program   *file // the binary that the image is there for; nil where none is found
}

// Do checks one Dockerfile. The error is the context's, or says that a file
// cannot be read; all else is in the report.
func (c *Checker) Do(ctx context.Context, r Request) (*Report, error) {
	text, err := readText(r.Dockerfile)
	if err != nil {
		return nil, err
	}
	d := dockerfile.Parse(string(text))
	report, err := c.judge(ctx, r, d)
	if err == nil {
		report.place(r.Dockerfile, d)
	}
	return report, err
}

func (c *Checker) judge(ctx context.Context, r Request, d *dockerfile.File) (*Report, error) {
	g, err := findGiven(ctx, c.Engine, c.Catalog, d, c.Say)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return Stopped(err.Error(), nil), nil
	}
	request, tidy, err := c.request(r, d, g)
	if err != nil {
		return nil, err
	}
	defer tidy()

	screen.Sayf(c.Say, "building and starting %s …", r.Dockerfile)
	t := &run.Trial{Engine: c.Engine, Image: c.client(ctx)}
	s := &subject{}
	if s.outcome, err = t.Single(ctx, request); err != nil {
		return nil, err
	}
	if s.outcome.Image == nil {
		return c.notBuilt(s.outcome, d, g), nil
	}
	if err := c.look(ctx, s, sourcesIn(ctx, r.Dir)); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return Stopped(err.Error(), g.notes), nil
	}
	report := s.report(g.notes)
	report.Image = request.Tag
	return report, nil
}

// client is the image that an engine on another machine is asked from: the base, where it is there.
func (c *Checker) client(ctx context.Context) string {
	article, err := c.Catalog.Find("")
	if err != nil {
		return ""
	}
	ready, err := base.Here(ctx, c.Engine, article)
	if err != nil || ready == nil {
		return ""
	}
	return ready.Image
}

// request is the build of the Dockerfile as it is, or of a copy in which other
// images stand where this engine lacks those named. The context stays the learner's.
func (c *Checker) request(r Request, d *dockerfile.File, g *given) (request engine.BuildRequest, tidy func(), err error) {
	request = engine.BuildRequest{Dir: r.Dir, Dockerfile: r.Dockerfile, Tag: tag(r), Made: engine.MadeStep}
	legacy := c.Engine.Builder == engine.Legacy
	if legacy {
		request.Args = platformArgs(d, c.Engine)
	}
	text := d.With(g.images, legacy)
	if text == d.With(nil, false) {
		return request, func() {}, nil
	}
	if len(g.images) > 0 {
		text = syntaxLine.ReplaceAllString(text, "#") // its image would have to come from a registry, too
	}
	dir, err := os.MkdirTemp("", engine.Repository+"-")
	if err != nil {
		return request, nil, err
	}
	tidy = func() { os.RemoveAll(dir) }
	request.Dockerfile = filepath.Join(dir, "Dockerfile")
	err = os.WriteFile(request.Dockerfile, []byte(text), 0o644)
	if ignored, missing := readText(r.Dockerfile + ".dockerignore"); missing == nil && err == nil {
		err = os.WriteFile(request.Dockerfile+".dockerignore", ignored, 0o644)
	}
	if err != nil {
		tidy()
		return request, nil, err
	}
	return request, tidy, nil
}

var syntaxLine = regexp.MustCompile(`(?i)\A#\s*syntax\s*=.*`)

// platformArgs are the arguments that BuildKit sets by itself, for the legacy builder.
func platformArgs(d *dockerfile.File, e *engine.Engine) (args []string) {
	var asked []string
	for _, in := range d.Instructions {
		if in.Word == "ARG" {
			asked = append(asked, strings.Fields(in.Rest)...)
		}
	}
	for _, side := range []string{"BUILD", "TARGET"} {
		for _, known := range [][2]string{{"PLATFORM", e.OS + "/" + e.Arch}, {"OS", e.OS}, {"ARCH", e.Arch}} {
			if slices.Contains(asked, side+known[0]) {
				args = append(args, side+known[0]+"="+known[1])
			}
		}
	}
	return args
}

// tag names the image of a check after the Dockerfile's place: the next check of it takes the name over.
func tag(r Request) string {
	place, err := filepath.Abs(r.Dockerfile)
	if err != nil {
		place = r.Dockerfile
	}
	sum := sha256.Sum256([]byte(place))
	return engine.Repository + ":check-" + hex.EncodeToString(sum[:4])
}

// look opens the image that was built.
func (c *Checker) look(ctx context.Context, s *subject, sources map[[32]byte]string) (err error) {
	img, err := source.FromEngine(ctx, c.Engine, s.outcome.Image.ID, true)
	if err != nil {
		return err
	}
	defer img.Close()
	if s.diagnosis, err = doctor.Examine(ctx, img, run.MachineOf(c.Engine), doctor.Start{}); err != nil {
		return err
	}
	if s.files, err = read(ctx, img, sources); err != nil {
		return err
	}
	s.program = s.files.program(s.diagnosis.Argv, img.Config().WorkingDir)
	return nil
}

// notBuilt is the report where there is no image: the Dockerfile's fault, or the environment's.
func (c *Checker) notBuilt(o run.Outcome, d *dockerfile.File, g *given) *Report {
	if o.Verdict == run.Environment && g.fault == "" {
		return Stopped(strings.Join(o.Reasons, "; "), g.notes)
	}
	if lack := g.lacks(c.Engine, d, o.Message); lack != "" && g.fault == "" {
		return Stopped(lack, g.notes)
	}
	cause, proof := o.Cause, fmt.Sprintf("`%s` failed: %s", o.Detail, screen.Last(cmp.Or(o.Output, o.Message), 3))
	if o.Detail == "" {
		proof = screen.Last(o.Message, 3)
	}
	if g.fault != "" {
		cause, proof = run.BuildFailed, g.fault
	}
	r := newReport(g.notes)
	r.Cause, r.Said = cause, o.Message
	r.not(Builds, proof, cause)
	r.rest("not judged: there is no image")
	return r
}

// Stopped is the report where the environment is at fault, such as an engine that is not there.
func Stopped(reason string, notes []string) *Report {
	r := newReport(notes)
	r.Reason = reason
	r.open(Builds, "cannot tell here: "+reason)
	r.rest("not judged: there is no image")
	return r
}

func newReport(notes []string) *Report {
	return &Report{Schema: 1, Kind: "check", Goals: []Goal{}, Notes: append([]string{}, notes...)}
}

func (r *Report) add(id string, met *bool, proof, hint string) {
	r.Goals = append(r.Goals, Goal{ID: id, Met: met, Proof: proof, Hint: hint})
}

func (r *Report) is(id, proof string) { yes := true; r.add(id, &yes, proof, "") }

// not is that a goal is not met, for a cause that has a hint of its own, or "".
func (r *Report) not(id, proof, cause string) {
	hint, ok := hints[id][cause]
	if !ok {
		hint = hints[id][""]
	}
	no := false
	r.add(id, &no, proof, hint)
}

func (r *Report) open(id, proof string) { r.add(id, nil, proof, "") }

// rest leaves all further goals open.
func (r *Report) rest(why string) {
	for _, id := range Goals[len(r.Goals):] {
		r.open(id, why)
	}
}
