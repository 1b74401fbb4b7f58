package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// advise looks for what could be better, whether the image starts or not. Only
// what can be told from the few files that are asked for is told of every
// image; what needs all of them, of those whose files are all known.
func (x *examination) advise(ctx context.Context) error {
	if x.config.OS != "" && x.config.OS != "linux" {
		return nil
	}
	for _, look := range []func(context.Context) error{
		x.adviseElsewhere, x.adviseUser, x.adviseAccounts, x.adviseShell, x.adviseHealthcheck, x.adviseFiles, x.adviseProgram, x.adviseAll,
	} {
		if err := look(ctx); err != nil && !errors.Is(err, image.ErrTooLarge) {
			return err
		}
	}
	return nil
}

func (x *examination) say(id string, f facts) {
	a := texts().Advice[id]
	x.d.Advice = append(x.d.Advice, Advice{id, fill(a.Summary, f), fill(a.Fix, f)})
}

// adviseElsewhere says of an image that starts by what its engine alone leaves a user, that others do not start it.
func (x *examination) adviseElsewhere(ctx context.Context) error {
	if x.as.past == nil || !*x.as.past || x.d.Cause != "" {
		return nil
	}
	d, err := x.again(ctx, x.config, x.options, false, 0)
	if err == nil && d.Cause == UserCannotExecute {
		x.say("starts-here-only", facts{Found: d.Summary,
			Words: d.Fix.Text + " `" + strings.ReplaceAll(d.Fix.Dockerfile, "\n", "`, `") + "`."})
	}
	return err
}

func (x *examination) adviseUser(ctx context.Context) error {
	if x.d.User.UID == nil || x.yields {
		return nil
	}
	if x.as.uid == 0 {
		d, err := x.would(ctx, "USER 12345:12345", 0)
		if err != nil || d.Starts == nil {
			return err
		}
		found := ""
		if !*d.Starts && d.Cause != x.d.Cause {
			found = d.Line()
		}
		x.say("runs-as-root", facts{Found: found})
		return nil
	}
	name, _, _ := strings.Cut(x.d.User.Configured, ":")
	if _, err := strconv.Atoi(name); err == nil || name == "" {
		return nil
	}
	for _, spec := range []string{fmt.Sprintf("%d:%d", x.as.uid, x.as.gid), fmt.Sprint(x.as.uid)} { // the latter keeps further groups
		if safe, err := x.startsSo(ctx, "USER "+spec); err != nil {
			return err
		} else if safe {
			x.say("named-user", facts{Words: "USER " + spec})
			break
		}
	}
	return nil
}

func (x *examination) adviseAccounts(ctx context.Context) error {
	if x.d.User.UID == nil || x.yields || x.as.uid == 0 {
		return nil
	}
	for _, file := range []string{"/etc/passwd", "/etc/group", "/etc/shadow"} {
		at, there, err := x.files.look(ctx, file, root)
		if err != nil {
			return err
		}
		if there && at.Mode.IsRegular() && x.as.mayWrite(at.Entry) {
			x.say("accounts-writable", facts{Name: file, Found: describe(at.Entry)})
			break
		}
	}
	return nil
}

// startsSo reports whether advice may be followed: the image then starts, or fails as before.
func (x *examination) startsSo(ctx context.Context, lines string) (bool, error) {
	d, err := x.would(ctx, lines, 0)
	return d.Starts != nil && d.Cause == x.d.Cause, err
}

func (x *examination) adviseShell(ctx context.Context) error {
	if !x.shellForm || x.d.Cause == MissingShell || strings.HasPrefix(strings.TrimSpace(x.shellCommand), "exec ") {
		return nil
	}
	f := facts{}
	if words, _ := plainCommand(x.shellCommand, x.env); len(words) > 0 && builtins[words[0]] {
		f.Lacks = words[0]
	} else if list := quoteList(x.shellCommand); list != "" {
		lines := x.instruction() + " " + list
		safe, err := x.startsSo(ctx, lines)
		if err != nil {
			return err
		}
		if safe {
			f.Words = lines
		}
	}
	x.say("shell-form-signals", f)
	return nil
}

func (x *examination) adviseHealthcheck(ctx context.Context) error {
	program, test := "", []string(nil)
	if x.config.Healthcheck != nil {
		test = x.config.Healthcheck.Test
	}
	switch {
	case len(test) > 1 && test[0] == "CMD":
		program = test[1]
	case len(test) > 0 && test[0] == "CMD-SHELL":
		if program = "/bin/sh"; len(x.config.Shell) > 0 {
			program = x.config.Shell[0]
		}
	}
	if !strings.Contains(program, "/") {
		return nil
	}
	_, err := x.files.resolve(ctx, program, x.as)
	if way := broke(err); way != nil && way.kind != running {
		x.say("healthcheck-without-program", facts{Name: program})
	}
	return imageFault(err)
}

// common are files that many programs look for, and the advice where there are none: certificates (Go's
// crypto/x509, OpenSSL) and time zones (Go's time, the C libraries).
var common = []struct {
	advice string
	paths  []string
}{
	{"no-ca-certificates", []string{"/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/ssl/cert.pem"}},
	{"no-time-zones", []string{"/usr/share/zoneinfo"}},
}

func (x *examination) adviseFiles(ctx context.Context) error {
	for _, c := range common {
		has := false
		for _, p := range c.paths {
			_, there, err := x.files.look(ctx, p, root)
			if err != nil {
				return err
			}
			has = has || there
		}
		if !has {
			x.say(c.advice, facts{})
		}
	}
	return nil
}

// adviseProgram looks into the program itself, where it is not too large to be fetched whole.
func (x *examination) adviseProgram(ctx context.Context) error {
	if x.binary.Path == "" || x.binary.Size > maxBuildinfo {
		return nil
	}
	file, err := x.parse(ctx, x.binary)
	if err != nil {
		return imageFault(err)
	}
	is, label := machineName(file), x.config.Architecture
	if label != "" && is != label && names[file.Machine] == is && is+" on "+label != "386 on amd64" && is+" on "+label != "arm on arm64" {
		x.say("architecture-label", facts{Machine: is, Wants: label})
	}
	golang := x.isGo(ctx)
	if n := file.Strippable(); n > 100_000 && n > x.binary.Size/20 {
		x.say("not-stripped", facts{Found: fmt.Sprintf("%d of the program's %d", n, x.binary.Size), Go: golang})
	}
	if golang {
		if why := unsupported(x.info.GoVersion); why != "" {
			x.say("go-unsupported", facts{Found: why})
		}
	}
	return nil
}

// adviseAll looks at every file, where all are known.
func (x *examination) adviseAll(ctx context.Context) error {
	var setuid []string // the first of them: an image may hold very many, by long paths
	count := 0
	for e := range x.walk() {
		if e.Mode.IsRegular() && e.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			if count++; count <= 3 {
				setuid = append(setuid, e.Path)
			}
		}
	}
	if count > 0 {
		f := facts{Found: fmt.Sprint(count), Words: strings.Join(setuid, ", ")}
		if _, there, _ := x.files.look(ctx, "/bin/sh", root); !there {
			f.Lacks = "/bin/sh"
		}
		x.say("setuid-files", f)
	}
	if l, ok := x.files.img.(image.Lister); ok {
		hidden := int64(0)
		for e := range l.Lost() {
			hidden += e.Size
		}
		if hidden > 1_000_000 {
			x.say("hidden-bytes", facts{Found: fmt.Sprint(hidden)})
		}
	}
	return nil
}

// walk gives every file, where all are known; else none.
func (x *examination) walk() iter.Seq[image.Entry] {
	if l, ok := x.files.img.(image.Lister); ok {
		return l.Walk()
	}
	return slices.Values([]image.Entry(nil))
}
