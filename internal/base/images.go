package base

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	imagename "github.com/google/go-containerregistry/pkg/name"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// platform is what a stand-in is for: the engine's own machine, unless another is asked
// for by name. DOCKER_DEFAULT_PLATFORM is about images of registries.
func (b Base) platform(e *engine.Engine) image.Platform { return cmp.Or(b.Platform, e.Own()) }

// standInName is the name of a base's stand-in: never the real image's.
func (b Base) standInName(e *engine.Engine) string {
	tag := engine.Tag(path.Base(b.Image))
	if arch := b.platform(e).Arch; arch != e.Arch {
		tag += "-" + arch
	}
	return engine.Repository + "/base:" + tag
}

// madeBy gives the image of a name, where it is the stand-in that a recipe makes; else nil.
func madeBy(ctx context.Context, e *engine.Engine, name, recipe string) (*engine.Image, error) {
	found, err := e.FindImage(ctx, name)
	if err != nil || found == nil || found.Config.Labels[rebuild.LabelRecipe] != recipe {
		return nil, err
	}
	// Images that are built on it inherit its labels, but only its own history ends with the instruction that sets them.
	out, err := e.Output(ctx, "history", "--no-trunc", "--format", "{{.CreatedBy}}", found.ID)
	last, _, _ := strings.Cut(out, "\n")
	if err != nil || !strings.Contains(last, "LABEL "+engine.LabelMade+"="+engine.MadeBase+" ") {
		return nil, err
	}
	return found, nil
}

// pullName gives the name to pull an image by. podman knows no default registry,
// unless its system's settings name one.
func pullName(e *engine.Engine, name string) string {
	ref, err := imagename.ParseReference(name)
	if err != nil || e.Builder != engine.Buildah {
		return name
	}
	return strings.TrimPrefix(ref.Name(), "index.")
}

// pull has the engine pull an image. On a terminal docker shows itself how far it is.
func pull(ctx context.Context, e *engine.Engine, words []string, say screen.Reporter) error {
	screen.Sayf(say, "pulling it: %s", strings.Join(words, " "))
	var progress io.Writer
	if lender, ok := say.(interface{ Lend() *os.File }); ok && lender.Lend() != nil && e.Builder != engine.Buildah {
		progress = lender.Lend()
	} else {
		defer screen.Meanwhile(say, 10*time.Second, func(passed string) string { return "still pulling, " + passed })()
	}
	err := e.Run(ctx, nil, progress, nil, words[1:]...)
	var failed *engine.Failed
	if errors.As(err, &failed) {
		return understood(strings.TrimPrefix(screen.Line(failed.Error()), "Error response from daemon: "), e.Name, strings.Join(words, " "))
	}
	return err
}

// refusal is a pull that failed in a way that is known: what it is, and what to do now.
type refusal struct{ what, way, words string }

func (r *refusal) Error() string { return r.what + " (" + r.words + ")" }

// refusals are known by the engines' words for them; the first that fits is it. In a
// way, the first word to fill in is the engine's program, the second the pull itself.
var refusals = []struct {
	known     *regexp.Regexp
	what, way string
}{
	{regexp.MustCompile(`(?i)toomanyrequests|too many requests|\b429\b|rate limit`),
		"the registry's pull limit is reached: it gives this network no more images for now",
		"wait some hours, or lift the limit with `%[1]s login`, then: %[2]s"},
	{regexp.MustCompile(`(?i)x509:|certificate|tls: `),
		"it does not trust the registry's certificate, mostly since a company's proxy opens TLS and puts its own there",
		"give the machine that pulls the company's certificate (an engine is to be started anew then), then: %[2]s"},
	{regexp.MustCompile(`(?i)does not exist|: not found$|\b404\b|manifest unknown|name unknown`),
		"the registry has no such image, or none for whoever is not logged in",
		"look at the name; is it a private image, `%[1]s login`; then: %[2]s"},
	{regexp.MustCompile(`(?i)unauthorized|authentication required|denied|incorrect username|no basic auth|\b40[13]\b`),
		"the registry wants a login, or refuses the one that is kept here",
		"`%[1]s logout`, or `%[1]s login`, then: %[2]s"},
	{regexp.MustCompile(`(?i)unexpected EOF|\bEOF$|connection reset|broken pipe|short read|unexpected commit digest|failed size ` +
		`validation`),
		"the download broke off",
		"a network that holds, and once more: %[2]s"},
}

// understood says what an engine's words for a failed pull come to.
func understood(words, program, pull string) error {
	for _, r := range refusals {
		if r.known.MatchString(words) {
			return &refusal{r.what, fmt.Sprintf(r.way, program, pull), words}
		}
	}
	return errors.New(words)
}

// Refused says what a registry's words come to, where it is asked without an engine, and what to do now.
func Refused(words, ref, again string) error {
	var known *refusal
	err := understood(screen.Line(words), "docker", again)
	if errors.As(err, &known) {
		way := known.way
		if host, _, deeper := strings.Cut(ref, "/"); deeper && strings.ContainsAny(host, ".:") {
			way = strings.NewReplacer(" login`", " login "+host+"`", " logout`", " logout "+host+"`").Replace(way)
		}
		return fmt.Errorf("%w\nNow: %s", known, way)
	}
	return fmt.Errorf("%w\nIs the name right, and can the registry be reached from here?", err)
}
