package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// block is a fenced block of a page that shows commands.
type block struct {
	page, notRun string // why it is not run; "" it is
	lines        []string
}

var (
	fenced = regexp.MustCompile("(?ms)^(?:<!-- not run: ([^\n]+) -->\n)?```console\n(.*?)^```")
	pages  = []string{"README.md", "docs", "workshop", "steps", "beyond"}
)

// blocks finds all of them.
func blocks(t *testing.T) (all []block) {
	for _, top := range pages {
		err := filepath.WalkDir(filepath.Join(tool.Root(), top), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(file) != ".md" {
				return err
			}
			text, err := os.ReadFile(file)
			page, _ := filepath.Rel(tool.Root(), file)
			for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
				all = append(all, block{page, m[1], strings.Split(strings.TrimRight(m[2], "\n"), "\n")})
			}
			return err
		})
		require.NoError(t, err)
	}
	return all
}

// Of the blocks that show a command, at most these few in a hundred may say why they are not run.
func TestNearlyAllCommandsOfTheDocsAreRun(t *testing.T) {
	all := blocks(t)
	left := 0
	for _, b := range all {
		if b.notRun != "" {
			left++
			t.Logf("not run: %s: %s (%s)", b.page, b.lines[0], b.notRun)
		}
	}
	require.Greater(t, len(all), 40)
	t.Logf("%d of %d blocks are run", len(all)-left, len(all))
	assert.LessOrEqual(t, left*100, len(all)*15, "%d of %d", left, len(all))
}

// Every command of the docs works as it is written, and what is shown of its output it prints, line after line.
func TestTheDocsAreRun(t *testing.T) {
	e := engines.Long(t)
	const name = "golang:1.15.7-alpine3.13"
	if found, _ := e.FindImage(t.Context(), name); found == nil { // as the README tells a reader without a registry
		_, err := e.Output(t.Context(), "tag", "optimizing-dockerfile/base:golang-1.15.7-alpine3.13", name)
		require.NoError(t, err, "make the base first: go run ./scripts dev base")
		t.Cleanup(func() { e.Output(context.Background(), "rmi", "--no-prune", name) })
	}
	_, code := tool.Document(t, "all") // the pages look at its images
	require.Equal(t, tool.Expected, code)
	done := map[string]bool{}
	for _, b := range blocks(t) {
		if b.notRun != "" || done[strings.Join(b.lines, "\n")] {
			continue
		}
		done[strings.Join(b.lines, "\n")] = true
		t.Run(b.page+" "+strings.TrimPrefix(b.lines[0], "$ "), func(t *testing.T) { b.run(t, e.Version) })
	}
}

// step is a command and what a page shows of its output.
type step struct {
	command string
	shown   []string
}

// steps are a block's, of whose recorded words an engine of another version need say only how they end.
func (b block) steps(version string) (all []step) {
	last := b.lines[len(b.lines)-1]
	elsewhere := strings.HasPrefix(last, "# On ") && !strings.Contains(last, version)
	for _, line := range b.lines {
		if elsewhere {
			line = regexp.MustCompile(`^docker: Error .*(exec: ")`).ReplaceAllString(line, "…$1")
		}
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, step{command: command})
		} else if len(all) > 0 && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "# On ") {
			all[len(all)-1].shown = append(all[len(all)-1].shown, line)
		}
	}
	return all
}

// run types a block into one shell, command by command.
func (b block) run(t *testing.T, version string) {
	dir := tool.Root()
	t.Cleanup(func() { // what a page makes is gone after it, also where it went wrong
		exec.Command("docker", "rm", "--force", "--volumes", "echo", "look").Run()
		os.RemoveAll(filepath.Join(tool.Root(), "mine"))
		os.Remove(filepath.Join(tool.Root(), "report.html"))
	})
	for _, s := range b.steps(version) {
		if folder, ok := strings.CutPrefix(s.command, "cd "); ok {
			dir = filepath.Join(dir, folder)
			continue
		}
		var said string
		for try := 0; ; try++ { // a program that was just started may not listen yet
			said = typed(t, dir, s)
			missing := notSaid(said, s.shown)
			if missing == "" {
				break
			}
			if try == 20 || !strings.HasPrefix(s.command, "curl") {
				t.Fatalf("%s: `%s` does not print %q:\n%s", b.page, s.command, missing, said)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// typed runs one command. One that goes on until it is stopped is stopped once all that is shown was said.
func typed(t *testing.T, dir string, s step) string {
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
	defer stop()
	words := strings.Replace(s.command, "go run ./scripts", tool.Path(t), 1)
	serves := strings.HasPrefix(words, "docker run --rm ") && !strings.Contains(words, "--detach") && len(s.shown) > 3
	if serves {
		words = strings.Replace(words, "docker run", "docker run --name echo", 1)
	}
	var out bytes.Buffer
	command := exec.CommandContext(ctx, "sh", "-c", words)
	command.Dir, command.Stdout, command.Stderr = dir, &out, &out
	command.Env = append(os.Environ(), "OPTIMIZING_DOCKERFILE_PROGRESS="+filepath.Join(t.TempDir(), "learn.json"))
	if serves {
		require.NoError(t, command.Start())
		time.Sleep(3 * time.Second)
		exec.Command("docker", "stop", "--time", "1", "echo").Run()
		command.Wait()
		return out.String()
	}
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if status := command.ProcessState.ExitCode(); len(s.shown) == 0 {
		assert.Contains(t, statuses(s.command), status, "%s\n%s", s.command, out.String())
	}
	return out.String()
}

// statuses are those that a command may end with: some pages show what does not succeed, the broken steps and exercises.
func statuses(command string) []int {
	switch {
	case strings.HasPrefix(command, "docker run --rm --name echo"):
		return []int{1, 127, 255} // by engine
	case strings.Contains(command, "scripts check"):
		return []int{tool.Unexpected}
	case strings.Contains(command, "scripts doctor"):
		return []int{tool.Expected, tool.Unexpected}
	}
	return []int{0}
}

// notSaid gives the first shown line that is not printed in its turn; … stands for anything.
func notSaid(said string, shown []string) string {
	lines := strings.Split(strings.ReplaceAll(said, "\r", ""), "\n")
	for _, want := range shown {
		form := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(want)), "…", ".*")
		pattern := regexp.MustCompile(form)
		for len(lines) > 0 && !pattern.MatchString(lines[0]) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			return want
		}
		lines = lines[1:]
	}
	return ""
}

var warning = regexp.MustCompile(`(?m)^WARNING: (\w+) - \S+\n(.+)$`)

// saysOfDockerfiles holds what the builder's own check says of the steps, and of the article's small `as`, against the page.
func saysOfDockerfiles(t *testing.T, check func(args ...string) *exec.Cmd, base string) {
	page, err := os.ReadFile(filepath.Join(tool.Root(), "docs", "then-and-now.md"))
	require.NoError(t, err)
	says := func(name, dockerfile string) {
		// Its status is 1 where it warns.
		out, _ := check("--build-arg", "GO_IMAGE="+base, "--file", dockerfile, filepath.Dir(dockerfile)).CombinedOutput()
		said := []string{}
		for _, found := range warning.FindAllStringSubmatch(string(out), -1) {
			said = append(said, found[1]+": "+found[2])
		}
		if strings.Contains(string(out), "Check complete, no warnings found.") {
			said = append(said, "no warnings")
		}
		require.NotEmpty(t, said, "%s: %s", name, out)
		assert.Contains(t, string(page), fmt.Sprintf("\n      %-39s %s\n", name, strings.Join(said, "; ")))
	}
	for _, step := range everyStep(t)[:6] {
		for _, try := range step.Tries {
			says(step.Name+"/"+try.Dockerfile, filepath.Join(step.Dir, try.Dockerfile))
		}
	}
	fifth, err := os.ReadFile("../../steps/05-named-stages/Dockerfile")
	require.NoError(t, err)
	small := filepath.Join(t.TempDir(), "Dockerfile")
	require.NoError(t, os.WriteFile(small, bytes.Replace(fifth, []byte(" AS build"), []byte(" as build"), 1), 0o644))
	says("as build", small)
}

// What is shown and not printed is seen.
func TestAShownLineThatIsNotPrintedIsSeen(t *testing.T) {
	const said = "hello\nSending context\n10.1MB x\n"
	assert.Empty(t, notSaid(said, []string{"hello", "10.1MB …"}))
	assert.Equal(t, "hello", notSaid(said, []string{"10.1MB …", "hello"}))
	assert.Equal(t, "bye", notSaid(said, []string{"bye"}))
}
