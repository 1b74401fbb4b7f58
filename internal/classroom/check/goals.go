package check

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/sys/user"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Beside is how much a small image may hold beside the binary.
const Beside = 4_000_000

// report judges an image, goal by goal.
func (s *subject) report(notes []string) *Report {
	r := newReport(notes)
	if r.Cause = s.outcome.Cause; r.Cause != "" {
		r.Said = s.outcome.Message
	}
	r.is(Builds, "the image is "+strings.TrimPrefix(s.outcome.Image.ID, "sha256:")[:12]+", "+table.Size(s.outcome.Image.Bytes).String())
	s.starts(r)
	s.notRoot(r)
	s.small(r)
	s.nothingExtra(r)
	s.accounts(r)
	r.Met = !slices.ContainsFunc(r.Goals, func(g Goal) bool { return !g.IsMet() })
	return r
}

// failedToStart says whether the process was never made, or its execve failed.
func (s *subject) failedToStart() bool {
	return s.outcome.Phase == table.Start || s.outcome.Phase == table.Exec
}

// starts judges that and the answer, which cannot come from what does not start.
func (s *subject) starts(r *Report) {
	o := s.outcome
	switch {
	case o.Verdict == run.Environment:
		r.Reason = strings.Join(o.Reasons, "; ")
		r.open(Starts, "cannot tell here: "+r.Reason)
		r.open(Answers, "not judged: whether it starts is not known")
	case s.failedToStart():
		proof := s.diagnosis.Summary
		for _, e := range s.diagnosis.Evidence {
			found := e.Found
			if !strings.Contains(found, e.Path) {
				found = e.Path + " → " + found
			}
			proof += "\n" + e.Claim + ": " + found
		}
		r.not(Starts, proof, o.Cause)
		r.open(Answers, "not judged: it does not start")
	case o.Outcome == table.Runs:
		r.is(Starts, "its process ran: "+strings.Join(s.diagnosis.Argv, " "))
		r.is(Answers, "the echo came back over HTTP, from port 8080")
	default:
		r.is(Starts, "its process was made: "+strings.Join(s.diagnosis.Argv, " "))
		proof := o.Detail
		if last := lastWords(o.Message); last != "" {
			proof += "; its last words: " + last
		}
		r.not(Answers, proof, o.Cause)
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

func (s *subject) notRoot(r *Report) {
	who := s.diagnosis.User
	configured, cause := "USER is not set", ""
	if who.Configured != "" {
		configured, cause = "USER is "+who.Configured, userSet
	}
	switch {
	case who.UID == nil:
		r.open(NotRoot, "not judged: "+configured+", and the image does not say who that is")
	case *who.UID != 0:
		r.is(NotRoot, fmt.Sprintf("%s: user %d, group %d", configured, *who.UID, *who.GID))
	case s.failedToStart():
		r.open(NotRoot, "not judged: it does not start, so nobody runs it yet ("+configured+")")
	default:
		r.not(NotRoot, configured+", so it runs as user 0, root", cause)
	}
}

func (s *subject) small(r *Report) {
	all := s.outcome.Image.Bytes
	switch {
	case s.program == nil && (s.failedToStart() || all <= Beside):
		r.open(Small, "not judged: no compiled program is found in the image, to compare its size with")
		return
	case s.program == nil:
		r.not(Small, fmt.Sprintf("the image is %s, and holds no compiled program", table.Size(all)), "")
		return
	}
	beside := all - s.program.Size
	proof := fmt.Sprintf("the image is %s: %s of %s, and %s beside it",
		table.Size(all), s.program.Path, table.Size(s.program.Size), table.Size(max(0, beside)))
	if beside <= Beside {
		r.is(Small, proof)
		return
	}
	r.not(Small, fmt.Sprintf("%s; at most %s is the goal", proof, table.Size(Beside)), "")
}

func (s *subject) nothingExtra(r *Report) {
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
		r.not(NothingExtra, "it holds "+strings.Join(proof, ", "), "")
	case regular == 1:
		r.is(NothingExtra, "its only file is no shell, compiler or source")
	default:
		r.is(NothingExtra, fmt.Sprintf("none of its %d files is a shell, a compiler or a source", regular))
	}
}

var (
	shells    = []string{"sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "csh", "tcsh", "fish", "rbash", "busybox", "toybox"}
	compilers = []string{"go", "gofmt", "gcc", "g++", "cc", "c++", "cpp", "clang", "tcc", "musl-gcc", "ld", "as"}
)

// extra says what a file is that has no business in the image; "" if it has.
func (s *subject) extra(f *file) string {
	if f.Mode.IsDir() {
		return ""
	}
	name := path.Base(f.Path)
	behind := f
	if f.IsLink() {
		if behind = s.files.resolve(f.Path); behind == nil {
			return ""
		}
	}
	runnable := behind.Mode.IsRegular() && behind.Mode&0o111 != 0
	own := s.program != nil && behind.Path == s.program.Path
	switch {
	case behind.shell, runnable && !own && slices.Contains(shells, name):
		return "a shell"
	case behind.toolchain, runnable && !own && slices.Contains(compilers, name):
		return "a compiler"
	case f.source != "" || f.Mode.IsRegular() && !own && isSource(name):
		return "sources"
	}
	return ""
}

// accounts judges whether the service could change who is who.
func (s *subject) accounts(r *Report) {
	who := s.diagnosis.User
	if who.UID == nil {
		r.open(AccountsReadOnly, "not judged: whom it runs as is not known")
		return
	}
	if *who.UID == 0 {
		r.open(AccountsReadOnly, "not judged: it would run as root, and root may write everything")
		return
	}
	ids := s.ids()
	var there []string
	for _, name := range accountFiles {
		f := s.files.resolve(name)
		if f == nil {
			continue
		}
		if how := ids.canChange(s.files, f); how != "" {
			r.not(AccountsReadOnly, how, "")
			return
		}
		there = append(there, fmt.Sprintf("%s (%s of user %d)", f.Path, f.Mode.Perm(), f.UID))
	}
	switch etc := s.files.resolve("/etc"); {
	case len(there) > 0:
		r.is(AccountsReadOnly, fmt.Sprintf("%s may not write %s", ids, strings.Join(there, ", ")))
	case etc != nil && ids.mayPutInto(etc):
		r.not(AccountsReadOnly, fmt.Sprintf("the image has no account files, but %s may put some into %s", ids, etc.description()), "")
	default:
		r.is(AccountsReadOnly, "the image has no account files, and a numeric user needs none")
	}
}

// ids are the numbers that a process has.
type ids struct {
	uid    int
	groups []int
}

func (i ids) String() string { return fmt.Sprintf("user %d, group %d", i.uid, i.groups[0]) }

func (s *subject) ids() ids {
	who := s.diagnosis.User
	all := ids{*who.UID, []int{*who.GID}}
	passwd, group := s.files.resolve("/etc/passwd"), s.files.resolve("/etc/group")
	if passwd == nil || group == nil {
		return all
	}
	if more, err := user.GetExecUser(who.Configured, nil, bytes.NewReader(passwd.text), bytes.NewReader(group.text)); err == nil {
		all.groups = append(all.groups, more.Sgids...)
	}
	return all
}

// canChange says how the process could change a file: write it, make it writable,
// or put another in its place; "" if it cannot.
func (i ids) canChange(files contents, f *file) string {
	switch {
	case f.UID == i.uid:
		return f.description() + ": it is the service's own"
	case i.mayWrite(f):
		return fmt.Sprintf("%s: %s may write it", f.description(), i)
	}
	dir := files[path.Dir(f.Path)]
	if dir == nil || !i.mayPutInto(dir) {
		return ""
	}
	if dir.Mode&fs.ModeSticky != 0 && dir.UID != i.uid {
		return "" // only the owner may replace what lies in such a folder
	}
	return fmt.Sprintf("%s: %s may put another file in the place of %s", dir.description(), i, f.Path)
}

// mayPutInto says whether the process may add files to a folder, or let itself.
func (i ids) mayPutInto(dir *file) bool { return dir.UID == i.uid || i.mayWrite(dir) }

func (f *file) description() string {
	return fmt.Sprintf("%s, which belongs to %d:%d with mode %s", f.Path, f.UID, f.GID, f.Mode.Perm())
}

func (i ids) mayWrite(f *file) bool {
	switch {
	case f.UID == i.uid:
		return f.Mode&0o200 != 0
	case slices.Contains(i.groups, f.GID):
		return f.Mode&0o020 != 0
	}
	return f.Mode&0o002 != 0
}
