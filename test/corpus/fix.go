package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/doctor"
)

// Fixed applies a diagnosis's fix to its image, line by line of the Dockerfile
// that the doctor proposes. What a line takes from the build stage, or builds
// anew, comes from the healthy image that the case was made from.
func Fixed(c Case, d *doctor.Diagnosis) (Spec, error) {
	s := c.Image.with()
	for _, in := range dockerfile.Parse(d.Fix.Dockerfile).Instructions {
		if err := c.apply(&s, d, in); err != nil {
			return s, err
		}
	}
	return s, nil
}

var (
	sedEnds  = regexp.MustCompile(`^(?:busybox )?sed -i 's/\\r\$//' (\S+)$`)
	sedFirst = regexp.MustCompile(`^sed -i '1s\|\.\*\|(.*)\|' (\S+)$`)
	output   = regexp.MustCompile(` -o (\S+) `)
)

func (c Case) apply(s *Spec, d *doctor.Diagnosis, in dockerfile.Instruction) error {
	rest := in.Rest
	switch in.Word {
	case "ENTRYPOINT":
		s.Entrypoint = nil
		return json.Unmarshal([]byte(rest), &s.Entrypoint)
	case "CMD":
		s.Cmd = nil
		return json.Unmarshal([]byte(rest), &s.Cmd)
	case "USER":
		s.User = rest
	case "WORKDIR":
		s.WorkingDir = rest
	case "ENV":
		if rest == "CGO_ENABLED=0" || rest == "GOOS=linux" { // how the program is compiled anew
			c.compile(s, d, program(s, d))
		} else {
			s.Env = append(s.Env, rest)
		}
	case "COPY":
		return c.copy(s, strings.Fields(rest))
	case "FROM": // the same program, built for what is there
		*s = c.Healthy.with(entrypoint(s.Entrypoint...), user(s.User))
	case "RUN":
		return c.run(s, d, rest)
	default:
		return fmt.Errorf("a fix has the line \"%s %s\": say in (Case).apply what that makes of an image", in.Word, rest)
	}
	return nil
}

func (c Case) copy(s *Spec, words []string) error {
	words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") })
	into := s.Files
	if s.Later != nil { // it stands behind
		into = s.Later
	}
	if len(words) != 2 || into == nil {
		return fmt.Errorf("COPY %q", words)
	}
	to := words[1]
	if !strings.HasPrefix(to, "/") {
		to = path.Join("/", s.WorkingDir, to)
	}
	folder := false
	for name, f := range c.Healthy.Files {
		if strings.HasPrefix(name, to+"/") {
			into[name], folder = f, true
		}
	}
	if !folder {
		delete(into, path.Join(path.Dir(to), ".wh."+path.Base(to)))
		into[to] = File{Mode: 0o755, Data: c.content(to)}
	}
	return nil
}

// content is what the build stage has for a path: the healthy image's file of
// that path or name, or else a program.
func (c Case) content(to string) []byte {
	if f, ok := c.Healthy.Files[to]; ok && f.Data != nil {
		return f.Data
	}
	for name, f := range c.Healthy.Files {
		if path.Base(name) == path.Base(to) && f.Data != nil {
			return f.Data
		}
	}
	return tiny{pie: true}.bytes()
}

func (c Case) run(s *Spec, d *doctor.Diagnosis, command string) error {
	if m := sedEnds.FindStringSubmatch(command); m != nil {
		edited(m[1], func(f *File) { f.Data = bytes.ReplaceAll(f.Data, []byte("\r\n"), []byte("\n")) })(s)
		return nil
	}
	if m := sedFirst.FindStringSubmatch(command); m != nil {
		edited(m[2], func(f *File) {
			_, after, _ := bytes.Cut(f.Data, []byte("\n"))
			f.Data = append([]byte(m[1]+"\n"), after...)
		})(s)
		return nil
	}
	if at, ok := strings.CutPrefix(command, "setcap -r "); ok {
		edited(at, func(f *File) { f.Caps = nil })(s)
		return nil
	}
	if m := output.FindStringSubmatch(command + " "); m != nil {
		c.compile(s, d, m[1])
		return nil
	}
	return fmt.Errorf("a fix runs %q: say in (Case).run what that makes of an image", command)
}

// program is the file of the image that the evidence is about: the last that is there.
func program(s *Spec, d *doctor.Diagnosis) (at string) {
	for _, e := range d.Evidence {
		if f, ok := s.Files[e.Path]; ok && f.Link == "" && !f.Dir {
			at = e.Path
		}
	}
	return at
}

// compile puts the program at a path of the image, as the fix has it compiled.
func (c Case) compile(s *Spec, d *doctor.Diagnosis, at string) {
	f := File{Data: c.content(at)}
	if d.Cause == doctor.MissingLoader { // linked statically
		f = app
	}
	s.put(at, f)
}
