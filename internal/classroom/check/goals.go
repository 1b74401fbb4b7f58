package check

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Beside is how much a small image may hold beside the binary.
const Beside = 4_000_000

func (s *subject) judgeImage() {
	if s.Cause = s.outcome.Cause; s.Cause != "" {
		s.Said = s.outcome.Message
	}
	built := s.outcome.Image
	s.is(Builds, "the image is "+strings.TrimPrefix(built.ID, "sha256:")[:12]+", "+screen.Size(built.Bytes))
	s.starts()
	s.notRoot()
	s.small()
	s.nothingExtra()
	s.accounts()
	s.Met = !slices.ContainsFunc(s.Goals, func(g Goal) bool { return !g.IsMet() })
}

// failedToStart says whether the process was never made, or its execve failed.
func (s *subject) failedToStart() bool {
	return s.outcome.Phase == table.Start || s.outcome.Phase == table.Exec
}

// starts judges that and the answer, which cannot come from what does not start.
func (s *subject) starts() {
	o := s.outcome
	switch {
	case o.Verdict == run.Environment:
		s.Reason = o.Why()
		s.open(Starts, "cannot tell here: "+s.Reason)
		s.open(Answers, "not judged: whether it starts is not known")
	case s.failedToStart():
		proof := s.diagnosis.Summary
		for _, e := range s.diagnosis.Evidence {
			found := e.Found
			if !strings.Contains(found, e.Path) {
				found = e.Path + " → " + found
			}
			proof += "\n" + e.Claim + ": " + found
		}
		s.not(Starts, proof, o.Cause)
		s.open(Answers, "not judged: it does not start")
	case o.Outcome == table.Runs:
		s.is(Starts, "its process ran: "+strings.Join(s.diagnosis.Argv, " "))
		s.is(Answers, "the echo came back over HTTP, from port 8080")
	default:
		s.is(Starts, "its process was made: "+strings.Join(s.diagnosis.Argv, " "))
		proof := o.Detail
		if last := lastWords(o.Message); last != "" {
			proof += "; its last words: " + last
		}
		s.not(Answers, proof, o.Cause)
	}
}

// panics is how a Go program begins to say why it ends; where it was, which follows, tells a learner nothing.
var panics = regexp.MustCompile(`(?m)^(panic|fatal error): .*`)

func lastWords(log string) string {
	if all := panics.FindAllString(log, -1); len(all) > 0 {
		return screen.Line(all[len(all)-1])
	}
	return screen.Last(log, 1)
}

func (s *subject) notRoot() {
	who := s.diagnosis.User
	configured, cause := "USER is not set", doctor.Cause("")
	if who.Configured != "" {
		configured, cause = "USER is "+who.Configured, "user-set"
	}
	switch {
	case who.UID == nil:
		s.open(NotRoot, "not judged: "+configured+", and the image does not say who that is")
	case *who.UID != 0:
		s.is(NotRoot, fmt.Sprintf("%s: user %d, group %d", configured, *who.UID, *who.GID))
	case s.failedToStart():
		s.open(NotRoot, "not judged: it does not start, so nobody runs it yet ("+configured+")")
	default:
		s.not(NotRoot, configured+", so it runs as user 0, root", cause)
	}
}

func (s *subject) small() {
	all := s.outcome.Image.Bytes
	if s.program == nil {
		if s.failedToStart() || all <= Beside {
			s.open(Small, "not judged: no compiled program is found in the image, to compare its size with")
		} else {
			s.not(Small, fmt.Sprintf("the image is %s, and holds no compiled program", screen.Size(all)), "")
		}
		return
	}
	beside := all - s.program.Size
	proof := fmt.Sprintf("the image is %s: %s of %s, and %s beside it",
		screen.Size(all), s.program.Path, screen.Size(s.program.Size), screen.Size(max(0, beside)))
	if beside <= Beside {
		s.is(Small, proof)
	} else {
		s.not(Small, fmt.Sprintf("%s; at most %s is the goal", proof, screen.Size(Beside)), "")
	}
}

func (s *subject) nothingExtra() {
	found, regular := map[string][]string{}, 0
	for _, f := range s.files.inOrder() {
		if f.Mode.IsRegular() {
			regular++
		}
		if kind := s.extra(f); kind != "" {
			found[kind] = append(found[kind], f.Path)
		}
	}
	var proof []string
	for _, kind := range []string{"a shell", "a compiler", "sources"} {
		switch paths := found[kind]; {
		case len(paths) > 2:
			proof = append(proof, fmt.Sprintf("%s (%s, %s and %d more)", kind, paths[0], paths[1], len(paths)-2))
		case len(paths) > 0:
			proof = append(proof, fmt.Sprintf("%s (%s)", kind, strings.Join(paths, ", ")))
		}
	}
	switch {
	case len(proof) > 0:
		s.not(NothingExtra, "it holds "+strings.Join(proof, ", "), "")
	case regular == 1:
		s.is(NothingExtra, "its only file is no shell, compiler or source")
	default:
		s.is(NothingExtra, fmt.Sprintf("none of its %d files is a shell, a compiler or a source", regular))
	}
}

// extra says what a file is that has no business in the image; "" if it has.
func (s *subject) extra(f *file) string {
	name, behind := path.Base(f.Path), s.files.resolve(f.Path)
	if behind == nil || behind.Mode.IsDir() {
		return ""
	}
	runnable := behind.Mode.IsRegular() && behind.Mode&0o111 != 0
	own := s.program != nil && behind.Path == s.program.Path
	switch {
	case behind.shell, runnable && !own && facts.Extra["a shell"].MatchString(name):
		return "a shell"
	case behind.toolchain, runnable && !own && facts.Extra["a compiler"].MatchString(name):
		return "a compiler"
	case f.source || f.Mode.IsRegular() && !own && facts.Extra["sources"].MatchString(name):
		return "sources"
	}
	return ""
}

// accounts judges whether the service could change who is who.
func (s *subject) accounts() {
	who := s.diagnosis.User
	switch {
	case who.UID == nil:
		s.open(AccountsReadOnly, "not judged: whom it runs as is not known")
		return
	case *who.UID == 0:
		s.open(AccountsReadOnly, "not judged: it would run as root, and root may write everything")
		return
	}
	var there []string
	for _, name := range []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"} {
		f := s.files.resolve(name)
		if f == nil {
			continue
		}
		if how := canChange(who, s.files, f); how != "" {
			s.not(AccountsReadOnly, how, "")
			return
		}
		there = append(there, fmt.Sprintf("%s (%s of user %d)", f.Path, f.Mode.Perm(), f.UID))
	}
	switch etc := s.files.resolve("/etc"); {
	case len(there) > 0:
		s.is(AccountsReadOnly, fmt.Sprintf("%s may not write %s", said(who), strings.Join(there, ", ")))
	case etc != nil && mayPutInto(who, etc):
		how := fmt.Sprintf("the image has no account files, but %s may put some into %s", said(who), etc.description())
		s.not(AccountsReadOnly, how, "")
	default:
		s.is(AccountsReadOnly, "the image has no account files, and a numeric user needs none")
	}
}

func said(who doctor.User) string { return fmt.Sprintf("user %d, group %d", *who.UID, *who.GID) }

// canChange says how a user could change a file: write it, make it writable,
// or put another in its place; "" if it cannot.
func canChange(who doctor.User, files contents, f *file) string {
	switch dir := files[path.Dir(f.Path)]; {
	case f.UID == *who.UID:
		return f.description() + ": it is the service's own"
	case who.MayWrite(f.Entry):
		return fmt.Sprintf("%s: %s may write it", f.description(), said(who))
	case dir == nil, !mayPutInto(who, dir), dir.Mode&fs.ModeSticky != 0 && dir.UID != *who.UID: // there only the owner may replace
		return ""
	default:
		return fmt.Sprintf("%s: %s may put another file in the place of %s", dir.description(), said(who), f.Path)
	}
}

// mayPutInto says whether a user may add files to a folder, or let itself.
func mayPutInto(who doctor.User, dir *file) bool {
	return dir.UID == *who.UID || who.MayWrite(dir.Entry)
}

func (f *file) description() string {
	return fmt.Sprintf("%s, which belongs to %d:%d with mode %s", f.Path, f.UID, f.GID, f.Mode.Perm())
}
