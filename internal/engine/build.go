package engine

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor/image"
)

// BuildRequest is an image to build.
type BuildRequest struct {
	Dir        string         // the build context
	Dockerfile string         // its path
	Tag        string         // the image's name; "" none, for one that others are made from
	Made       string         // the value of LabelMade that it gets; "" none
	Args       []string       // build arguments, each NAME=VALUE
	Platform   image.Platform // what it is for; none: as the engine has it
	NoCache    bool           // do every instruction, also those done before
	Layouts    []string       // images that the builder is given, each NAME=FOLDER, of an OCI layout
	Log        *os.File       // gets all that the builder prints; nil none
}

// BuildError is a build that failed, or that the engine's program could not even begin.
type BuildError struct {
	Instruction string // the one that failed, such as "RUN go build -o echo ."; "" where none is named
	ExitCode    int    // of a RUN's command; 0 where none ran
	Output      string // what that instruction printed
	Message     string // the builder's own last words
}

func (b *BuildError) Error() string { return b.Message }

// BuildCommand gives the words that a reader types for a build, after the engine's name.
func (e *Engine) BuildCommand(r BuildRequest) []string {
	words := []string{"build"}
	for _, arg := range r.Args {
		words = append(words, "--build-arg", arg)
	}
	if r.NoCache {
		words = append(words, "--no-cache")
	}
	words = append(words, e.typed(r.Platform)...)
	if r.Tag != "" {
		words = append(words, "--tag", r.Tag)
	}
	if r.Dockerfile != filepath.Join(r.Dir, "Dockerfile") {
		words = append(words, "--file", filepath.ToSlash(r.Dockerfile))
	}
	dir := filepath.ToSlash(r.Dir)
	if strings.HasPrefix(dir, "-") { // or it would be an option, or stdin
		dir = "./" + dir
	}
	return append(words, dir)
}

// Build builds an image and returns what the engine says of it, found by its tag: what
// builders give as its ID, not every engine knows. To BuildCommand it adds what a reader need not type: the label,
// that no container stays behind after a failure, and what each builder takes to hand the image to the engine. The
// error is a *BuildError where the engine's program ended with a status, else Output's. Without a tag the image is not looked up.
func (e *Engine) Build(ctx context.Context, r BuildRequest) (Image, error) {
	words := e.BuildCommand(r)
	options := []string{"build"}
	// Before docker 23, `docker build` is the legacy builder's also where buildx is there; it is then buildx that is
	// called, with the builder that `docker build` takes from 23 on, whichever `buildx use` chose.
	if e.oldClient != "" {
		options = []string{"buildx", "build"}
	}
	if builder := cmp.Or(e.Using, e.oldClient); builder != "" {
		options = append(options, "--builder", builder)
	}
	options = append(options, "--force-rm")
	if r.Made != "" {
		options = append(options, "--label", LabelMade+"="+r.Made)
	}
	switch e.Builder {
	case BuildKit:
		options = append(options, "--load") // into the engine, whatever the builder
	case Buildah:
		options = append(options, "--format", "docker") // its other format has neither SHELL nor HEALTHCHECK
	}
	if p := r.Platform.String(); p != "" && !slices.Contains(words, "--platform") {
		options = append(options, "--platform", p)
	}
	for _, layout := range r.Layouts {
		options = append(options, "--build-context", strings.Replace(layout, "=", "=oci-layout://", 1))
	}
	began := time.Now()
	note := func(list, id string) { e.Ledger.note(entry{list, id, owner(), began.Unix()}) }
	log := &buildLog{builder: e.Builder, made: func(id string) { note(e.Key(), id) }, at: new(vertex), vertices: map[string]*vertex{}}
	printed, out := io.Pipe()
	read := make(chan struct{})
	go func() { log.read(printed); close(read) }()
	stdout, stderr := io.Writer(out), io.Discard
	if r.Log != nil {
		stdout, stderr = io.MultiWriter(out, r.Log), r.Log
	}
	if e.Builder != Legacy {
		stderr = stdout // BuildKit reports everything there; Buildah hands a RUN's stderr on
	}
	err := e.Run(ctx, nil, stdout, stderr, append(options, words[1:]...)...)
	out.Close()
	<-read
	if log.container != "" {
		note(e.containers(), log.container)
	}
	var failed *Failed
	if errors.As(err, &failed) {
		return Image{}, log.failure(failed.Stderr)
	}
	if err != nil || r.Tag == "" {
		return Image{}, err
	}
	image, err := e.FindImage(ctx, r.Tag)
	if image == nil {
		return Image{}, cmp.Or(err, fmt.Errorf("%s says that it built %s, but does not have it", e.Name, r.Tag))
	}
	log.made(image.ID)
	image.Reused = log.reused
	return *image, nil
}

// buildLog follows what a builder prints.
type buildLog struct {
	builder string
	made    func(id string) // told each image that the legacy builder makes on the way
	at      *vertex         // the instruction at work, of builders that do one after the other
	cached  bool            // it was taken from an earlier build

	container string // of the legacy builder's RUN at work

	reused   []string           // instructions that were taken from an earlier build
	vertices map[string]*vertex // BuildKit's instructions, by their numbers
	failed   []*vertex
}

// buildahStep is "STEP 6/7: RUN …", or "[1/2] STEP 6/7: RUN …".
var buildahStep = regexp.MustCompile(`^(?:\[\d+/\d+\] )?STEP \d+/\d+: (.*)`)

// read follows a builder until it prints no more. A line without end is taken in pieces.
func (b *buildLog) read(printed io.Reader) {
	for lines := bufio.NewReaderSize(printed, 64<<10); ; {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		b.line(strings.TrimRight(string(line), "\r"))
	}
}

func (b *buildLog) line(line string) {
	if strings.Contains(line, "\x1b") {
		line = ansi.ReplaceAllString(line, "") // the legacy builder reddens what a RUN prints to stderr
	}
	if b.builder == BuildKit {
		b.buildkit(line)
		return
	}
	for _, form := range []*regexp.Regexp{legacyStep, buildahStep} {
		if m := form.FindStringSubmatch(line); m != nil {
			b.at, b.cached = &vertex{instruction: m[1]}, false
			return
		}
	}
	if b.legacy(line) {
		return
	}
	if strings.HasPrefix(line, "--> Using cache ") { // Buildah's
		b.reused = append(b.reused, b.at.instruction)
	}
	b.at.printed.Write([]byte(line + "\n"))
}

var (
	// ended is how the builders say that an instruction failed: with the exit status of a RUN's command, or in words.
	ended = regexp.MustCompile(`^.*(?:did not complete successfully: exit code:|executor failed running .*: exit code:|` +
		`building at STEP ".*": exit status|while running runtime: exit status|` + legacyExit + `) (\d+)|^ERROR: `)
	buildkitLine = regexp.MustCompile(`(?m)^\s*\d+ \| >>> (.*)`)
	ansi         = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
)

// failure makes a failed build's error of all that the builder said to stderr. Its
// last line need not be the one that tells: some programs have a word to add.
func (b *buildLog) failure(stderr string) *BuildError {
	stderr = ansi.ReplaceAllString(stderr, "")
	failure := &BuildError{Message: lastLine(stderr)}
	for _, line := range slices.Backward(strings.Split(stderr, "\n")) {
		if m := ended.FindStringSubmatch(line); m != nil {
			failure.Message = line
			failure.ExitCode, _ = strconv.Atoi(m[1])
			break
		}
	}
	v := cmp.Or(b.culprit(failure.Message), b.at)
	failure.Instruction = v.instruction
	if m := buildkitLine.FindStringSubmatch(stderr); m != nil && v.instruction == "" {
		failure.Instruction = m[1]
	}
	failure.Output = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v.printed.String()), failure.Message))
	return failure
}
