package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
		x.adviseElsewhere, x.adviseUser, x.adviseShell, x.adviseFiles, x.adviseProgram, x.adviseAll,
	} {
		if err := look(ctx); err != nil && !errors.Is(err, image.ErrTooLarge) {
			return err
		}
	}
	return nil
}

func (x *examination) say(id, fix, format string, args ...any) {
	x.d.Advice = append(x.d.Advice, Advice{ID: id, Summary: fmt.Sprintf(format, args...), Fix: fix})
}

// adviseElsewhere says of an image that starts by what its engine alone leaves a user, that others do not start it.
func (x *examination) adviseElsewhere(ctx context.Context) error {
	if x.as.past == nil || !*x.as.past || x.d.Cause != "" {
		return nil
	}
	d, err := x.again(ctx, x.config, x.start, false, false)
	if err == nil && d != nil && d.Cause == UserCannotExecute {
		x.say("starts-here-only", d.Fix.Text+" `"+strings.ReplaceAll(d.Fix.Dockerfile, "\n", "`, `")+"`.",
			"This engine starts it, as it takes root's rights from the user only after that. "+strictEngines+" refuse it: %s", d.Summary)
	}
	return err
}

func (x *examination) adviseUser(ctx context.Context) error {
	if x.d.User.UID == nil {
		return nil
	}
	name, _, _ := strings.Cut(x.d.User.Configured, ":")
	_, notNumber := strconv.Atoi(name)
	if x.yields {
		return nil
	}
	if x.as.uid == 0 {
		d, err := x.would(ctx, "USER 12345:12345", false)
		if err != nil || d == nil || d.Starts == nil {
			return err
		}
		fix := "Add `USER 12345:12345`: a number needs no account file."
		if !*d.Starts && d.Cause != x.d.Cause {
			fix = "No other user could start it as it is (" + string(d.Cause) + ": " + d.Summary + "). Mend that, then name another " +
				"user by a number."
		}
		x.say("runs-as-root", fix, "The process runs as root")
		return nil
	}
	if name != "" && notNumber != nil {
		for _, spec := range []string{fmt.Sprintf("%d:%d", x.as.uid, x.as.gid), fmt.Sprint(x.as.uid)} { // the latter keeps further groups
			safe, err := x.startsSo(ctx, "USER "+spec)
			if err != nil {
				return err
			}
			if safe {
				x.say("named-user", "Write `USER "+spec+"`.", "USER is a name, which Kubernetes' runAsNonRoot refuses")
				break
			}
		}
	}
	for _, file := range []string{"/etc/passwd", "/etc/group", "/etc/shadow"} {
		at, err := x.files.peek(ctx, file)
		if fault := imageFault(err); fault != nil {
			return fault
		}
		if err == nil && at.Mode.IsRegular() && x.as.mayWrite(at.Entry) {
			x.say("accounts-writable", "Copy it without --chown: it then belongs to root.",
				"The process may write %s, and so add accounts (%s)", file, describe(at.Entry))
			break
		}
	}
	return nil
}

// startsSo reports whether advice may be followed: the image then starts, or fails as before.
func (x *examination) startsSo(ctx context.Context, lines string) (bool, error) {
	d, err := x.would(ctx, lines, false)
	return d != nil && d.Starts != nil && d.Cause == x.d.Cause, err
}

func (x *examination) adviseShell(ctx context.Context) error {
	if x.shellForm && x.d.Cause != MissingShell {
		command := x.shellCommand
		if !strings.HasPrefix(strings.TrimSpace(command), "exec ") {
			fix := "Put `exec` before the program that is to stay"
			words, _ := plainCommand(command, x.env)
			if list := quoteList(command); list != "" {
				safe, err := x.startsSo(ctx, x.instruction()+" "+list)
				if err != nil {
					return err
				}
				if safe {
					fix = "Use the exec form: `" + x.instruction() + " " + list + "`, or begin the command with `exec`"
				}
			}
			if len(words) > 0 && builtins[words[0]] {
				fix = "Name a program in the exec form, in place of what only a shell does"
			}
			x.say("shell-form-signals", fix+".",
				"The shell is process 1 and may keep SIGTERM from the program: stopping then takes ten seconds")
		}
	}
	test := x.config.Healthcheck
	if len(test) == 0 || test[0] != "CMD-SHELL" && test[0] != "CMD" || test[0] == "CMD" && len(test) < 2 {
		return nil
	}
	program := "/bin/sh"
	if test[0] == "CMD" {
		program = test[1]
	} else if len(x.config.Shell) > 0 {
		program = x.config.Shell[0]
	}
	if !strings.Contains(program, "/") {
		return nil
	}
	_, err := x.files.resolve(ctx, program, x.as)
	if way := broke(err); way != nil && way.kind != running {
		x.say("healthcheck-without-program",
			"Give the program a way to check itself, and use the exec form: `HEALTHCHECK CMD [\"/app\", \"-check\"]`.",
			"HEALTHCHECK needs %s, which is not in the image: the container will never be healthy", program)
		return nil
	}
	return imageFault(err)
}

// common are files that many programs look for: certificates (Go's crypto/x509, OpenSSL) and time zones (Go's time, the C libraries).
var common = []struct {
	paths            []string
	id, fix, summary string
}{
	{[]string{"/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/ssl/cert.pem"}, "no-ca-certificates",
		"If it calls others over TLS: `COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/`.",
		"There are no CA certificates: the program can trust no server"},
	{[]string{"/usr/share/zoneinfo"}, "no-time-zones",
		"If it needs other zones than UTC: `COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo`, or in Go import `time/tzdata`.",
		"There are no time zones: only UTC is known"},
}

func (x *examination) adviseFiles(ctx context.Context) error {
	for _, c := range common {
		has := false
		for _, p := range c.paths {
			_, err := x.files.peek(ctx, p)
			if fault := imageFault(err); fault != nil {
				return fault
			}
			has = has || err == nil
		}
		if !has {
			x.say(c.id, c.fix, "%s", c.summary)
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
	if is := machineName(file); x.config.Architecture != "" && is != x.config.Architecture && names[file.Machine] == is &&
		!(is == "386" && x.config.Architecture == "amd64") &&
		!(is == "arm" && x.config.Architecture == "arm64") {
		x.say("architecture-label", "Build the image for the program's machine (`--platform=linux/"+is+"`), or the program for the "+
			"image's.",
			"The image says that it is for %s, and its program is for %s: where the label is believed, it does "+
				"not start", x.config.Architecture, is)
	}
	if n := file.Strippable(); n > 100_000 && n > x.binary.Size/20 {
		fix := "Build with `-s` (cc), or run `strip`."
		if x.isGo(ctx, x.binary) {
			fix = "Build with `-ldflags='-s -w'`; a panic's stack trace stays readable."
		}
		x.say("not-stripped", fix, "%d of the program's %d bytes are symbols and debugging information", n, x.binary.Size)
	}
	if x.isGo(ctx, x.binary) {
		if why := unsupported(x.info.GoVersion); why != "" {
			x.say("go-unsupported", "Build with a release that is still supported (https://go.dev/doc/devel/release).", "%s", why)
		}
	}
	return nil
}

// adviseAll looks at every file, where all are known.
func (x *examination) adviseAll(ctx context.Context) error {
	lister, ok := x.lister()
	if !ok {
		return nil
	}
	var setuid []string
	count := 0
	if err := lister.Walk(func(e image.Entry) error {
		if e.Mode.IsRegular() && e.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			if count++; count <= 3 {
				setuid = append(setuid, e.Path)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if count > 0 {
		fix := "Remove them, or their bits, in the stage that they come from."
		if _, err := x.files.peek(ctx, "/bin/sh"); err == nil {
			fix = "Remove them, or their bits: `RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +`."
		}
		x.say("setuid-files", fix,
			"%d files run with another's rights (setuid, setgid): %s", count, strings.Join(setuid, ", "))
	}
	if hidden := lister.Hidden(); hidden > 1_000_000 {
		x.say("hidden-bytes", "Delete files in the instruction that makes them, or copy what is needed into a new stage.",
			"%d bytes are in the image that a later layer deletes or replaces", hidden)
	}
	return nil
}

func (x *examination) lister() (image.Lister, bool) {
	l, ok := x.files.img.(image.Lister)
	return l, ok
}
