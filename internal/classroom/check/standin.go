package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/engine"
)

// give sees to it that each golang image that the Dockerfile names is there,
// or another one in its place. Other images are left to the builder.
func (s *subject) give(ctx context.Context) error {
	s.given = map[dockerfile.Reference]string{}
	for _, ref := range s.file.References() {
		found, err := s.Engine.FindImage(ctx, ref.Image)
		switch {
		case found != nil:
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case !isGolang(ref.Image):
			if err == nil || ref.Image == "" {
				s.fault = cmp.Or(s.fault, namesNothing(s.file, ref))
			}
			continue
		}
		ready, err := s.instead(ctx, ref.Image)
		if err != nil {
			return err
		}
		if ready.Image == ref.Image {
			continue
		}
		s.given[ref] = ready.Image
		if !slices.Contains(s.asked, ref.Image) {
			s.asked = append(s.asked, ref.Image)
			s.Notes = append(s.Notes, fmt.Sprintf("%s is not here: %s took its place", ref.Image, named(ready, ref.Image)))
		}
	}
	return nil
}

// named says what took the place of an image.
func named(ready *base.Ready, asked string) string {
	switch ready.StandInFor {
	case "":
		return ready.Image
	case asked:
		return "its stand-in (" + ready.Image + ")"
	}
	return "the stand-in for " + ready.StandInFor + " (" + ready.Image + ")"
}

// instead gets a golang image, or where it cannot be had, the article's base.
func (s *subject) instead(ctx context.Context, image string) (*base.Ready, error) {
	article := s.Catalog[0]
	name, _, digest := strings.Cut(image, "@")
	for _, prefix := range []string{"docker.io/", "index.docker.io/", "library/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if wanted, err := s.Catalog.Find(name); err == nil && wanted.ID != article.ID && !digest && strings.Contains(name, ":") {
		ready, err := base.Ensure(ctx, s.Engine, wanted, s.Say)
		var none *base.Unobtainable
		if !errors.As(err, &none) {
			return ready, err
		}
	}
	return base.Ensure(ctx, s.Engine, article, s.Say)
}

// isGolang tells the images that are there to compile Go from all others, whatever their registry, tag and digest.
var isGolang = regexp.MustCompile(`^(?:[^@]*/)?golang(?::[^/@]*)?(?:@.*)?$`).MatchString

// namesNothing says why a reference can name neither a stage nor an image; "" where it may.
func namesNothing(d *dockerfile.File, ref dockerfile.Reference) string {
	stages := d.Stages()
	names := slices.DeleteFunc(slices.Clone(stages), func(name string) bool { return name == "" })
	where := "FROM " + ref.Image
	if !ref.From {
		where = "--from=" + ref.Image
	}
	_, err := strconv.Atoi(ref.Image)
	switch {
	case ref.Image == "":
		return "a FROM names no image"
	case err == nil && !ref.From:
		return fmt.Sprintf("%s: there is no stage of that number before it; of %d stages the first is 0", where, len(stages))
	case strings.ContainsAny(ref.Image, "/:@.") || slices.Contains(facts.Official, ref.Image):
		return ""
	case len(names) == 0:
		return fmt.Sprintf("%s names no stage: none has a name", where)
	}
	return fmt.Sprintf("%s names no stage: those with a name are: %s", where, strings.Join(names, ", "))
}

// lacks says what this environment could not give a build that failed; "" where
// the Dockerfile alone is at fault.
func (s *subject) lacks(words string) string {
	if s.Engine.Builder == engine.Legacy && (facts.Builders["needs BuildKit"].MatchString(words) || s.file.Heredoc) {
		return "this engine has docker's old builder only, and the Dockerfile asks for what BuildKit can do"
	}
	m := facts.Builders["unknown instruction"].FindStringSubmatch(words)
	if s.file.Heredoc && (m != nil && !s.file.Has(m[1]) || facts.Builders["here-document as a file"].MatchString(words)) {
		return "this engine's builder is older than here-documents, and the Dockerfile has one"
	}
	for _, image := range s.asked {
		has := facts.Debian
		if strings.Contains(image, "alpine") {
			has = facts.Alpine
		}
		for _, m := range facts.Builders["command not found"].FindAllStringSubmatch(words, -1) {
			if command := path.Base(m[1] + m[2]); slices.Contains(has, command) {
				return fmt.Sprintf("%s has the command %s, what was given in its place has not", image, command)
			}
		}
		for _, lack := range facts.Lacks {
			if m := lack.Words.FindStringSubmatch(words); m != nil {
				return fmt.Sprintf(lack.Says, image, m[1])
			}
		}
		if m := facts.Builders["newer Go"].FindString(words); m != "" && !strings.Contains(image, "1.15.7") {
			return fmt.Sprintf("the Go of %s may well do it; the older one that was given says: %s", strings.Join(s.asked, ", "), m)
		}
	}
	return ""
}
