package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"

	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/doctor"
)

// Fixed applies a diagnosis's fix to its image, line by line of the Dockerfile
// that the doctor proposes. What a line takes from the build stage, or builds
// anew, comes from the healthy image that the case was made from.
func Fixed(c Case, d *doctor.Diagnosis) (Spec, error) {
	s := c.Image.clone()
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
			return c.compile(s, d, program(s, d))
		}
		s.Env = append(s.Env, rest)
	case "COPY":
		return c.copy(s, strings.Fields(rest))
	case "FROM": // the same program, built for what is there
		restored := c.Healthy.clone()
		restored.Entrypoint, restored.User = s.Entrypoint, s.User
		*s = restored
	case "RUN":
		return c.run(s, d, rest)
	default:
		return fmt.Errorf("a fix has the line \"%s %s\": say in (Case).apply what that makes of an image", in.Word, rest)
	}
	return nil
}

func (c Case) copy(s *Spec, words []string) error {
	mode := int64(0o755)
	var paths []string
	for _, w := range words {
		if !strings.HasPrefix(w, "--") {
			paths = append(paths, w)
		}
	}
	if len(paths) != 2 {
		return fmt.Errorf("COPY %q", words)
	}
	to := paths[1]
	if !strings.HasPrefix(to, "/") {
		to = path.Join("/", s.WorkingDir, to)
	}
	into := s.Files
	if s.Later != nil { // it stands behind
		into = s.Later
	}
	folder := false
	for name, f := range c.Healthy.Files {
		if strings.HasPrefix(name, to+"/") && into != nil {
			into[name], folder = f, true
		}
	}
	if folder {
		return nil
	}
	f := File{Mode: mode, Data: c.content(to)}
	if f.Data == nil || into == nil {
		return fmt.Errorf("COPY %q", words)
	}
	delete(into, path.Join(path.Dir(to), ".wh."+path.Base(to)))
	into[to] = f
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
		f := s.Files[m[1]]
		f.Data = bytes.ReplaceAll(f.Data, []byte("\r\n"), []byte("\n"))
		s.Files[m[1]] = f
		return nil
	}
	if m := sedFirst.FindStringSubmatch(command); m != nil {
		f := s.Files[m[2]]
		_, after, _ := bytes.Cut(f.Data, []byte("\n"))
		f.Data = append([]byte(m[1]+"\n"), after...)
		s.Files[m[2]] = f
		return nil
	}
	if at, ok := strings.CutPrefix(command, "setcap -r "); ok {
		f := s.Files[at]
		f.Caps = nil
		s.Files[at] = f
		return nil
	}
	if m := output.FindStringSubmatch(command + " "); m != nil {
		return c.compile(s, d, m[1])
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
func (c Case) compile(s *Spec, d *doctor.Diagnosis, at string) error {
	data := c.content(at)
	if d.Cause == doctor.MissingLoader { // linked statically
		data = tiny{}.bytes()
	}
	s.put(at, File{Data: data})
	return nil
}
