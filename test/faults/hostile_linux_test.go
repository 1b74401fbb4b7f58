package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// hostile are the behaviours of testdata/hostile, and how each must end. All are
// expected to run, as user 0:0.
var hostile = []struct {
	behaviour string
	causes    []doctor.Cause // one of them; none: it runs
	says      string
	quick     bool // it takes no 15 seconds of silence
}{
	{"floods", nil, "", true},
	{"floods-while-building", []doctor.Cause{run.BuildFailed}, "build-failed (RUN yes", true},
	{"floods-in-silence", []doctor.Cause{run.NoAnswer}, "nothing on port 8080", false},
	{"floods-without-line-ends", []doctor.Cause{run.Exited}, "ended by itself with status 3", false},
	{"escapes", []doctor.Cause{run.Exited}, "ended by itself with status 3", true},
	{"ignores-sigterm", []doctor.Cause{run.WrongAnswer}, `with "\x1b[31mno"`, true},
	{"forks", []doctor.Cause{run.NoAnswer, run.Exited}, "a failure in phase serve", false}, // Go's runtime may want a thread itself
	{"threads", []doctor.Cause{run.Exited}, "ended by itself with status 2", true},
	{"a-byte-at-a-time", []doctor.Cause{run.WrongAnswer}, "and did not come to an end", false},
	{"for-ever", []doctor.Cause{run.WrongAnswer}, `with "xxxx`, true},
	{"headers-for-ever", []doctor.Cause{run.NoAnswer}, "nothing on port 8080", false},
	{"sends-elsewhere", []doctor.Cause{run.WrongAnswer}, "asked for the echo of", false},
	{"listens-elsewhere", []doctor.Cause{run.NoAnswer}, "nothing on port 8080", false},
}

// hostileSteps makes a folder of steps, one for each behaviour; they share one compile.
func hostileSteps(t *testing.T) (dir string, names []string) {
	dir = t.TempDir()
	var table strings.Builder
	for i, h := range hostile {
		if !h.quick && !Wanted() {
			continue
		}
		name := fmt.Sprintf("%02d-%s", i+1, h.behaviour)
		names = append(names, name)
		fmt.Fprintf(&table, "- step: %s\n  title: \"\\e[31mtitle\"\n  tries:\n    - dockerfile: Dockerfile\n      expect: {outcome: runs, user: \"0:0\"}\n", name)
		require.NoError(t, os.CopyFS(filepath.Join(dir, name), os.DirFS("testdata/hostile")))
		file := filepath.Join(dir, name, "Dockerfile")
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		text = fmt.Appendf(text, "ENV BEHAVIOUR=%s\nLABEL says=\x1b[31m%[1]s\a\n", h.behaviour)
		if h.behaviour == "floods-while-building" {
			text = []byte("ARG GO_IMAGE\nFROM ${GO_IMAGE}\nRUN yes '\x1b[31m' | head -c 100000000; exit 3\n")
		}
		require.NoError(t, os.WriteFile(file, text, 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, ".dockerignore"), []byte("Dockerfile\n"), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "steps.yaml"), []byte(table.String()), 0o644))
	return dir, names
}

// A step whose program does harm gets its verdict, in bounded time and memory,
// and leaves nothing behind.
func TestFaultHostilePrograms(t *testing.T) {
	e := engines.Engine(t)
	dir, names := hostileSteps(t)
	command := tool.Program(t, "run", "--json", "--steps", dir, "all")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	require.NoError(t, command.Start())
	logs := watchLogs(t, e, command.Process.Pid)
	began := time.Now()
	command.Wait()
	took, logged := time.Since(began), logs()
	peak := command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024

	var doc record.Run
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &doc), "%s", &stderr)
	defer func() {
		for _, o := range doc.Steps {
			if o.Image != nil {
				e.Output(context.Background(), "rmi", o.Image.ID)
			}
		}
	}()
	assert.Equal(t, tool.Unexpected, command.ProcessState.ExitCode())
	require.Len(t, doc.Steps, len(names), doc.Reason)
	for i, o := range doc.Steps {
		var want = hostile[0]
		for _, h := range hostile {
			if strings.HasSuffix(names[i], "-"+h.behaviour) {
				want = h
			}
		}
		reasons := o.Why()
		if want.causes == nil {
			assert.Equal(t, run.AsExpected, o.Verdict, "%s: %s", names[i], reasons)
			continue
		}
		assert.Equal(t, run.Unexpected, o.Verdict, "%s: %s", names[i], reasons)
		assert.Contains(t, want.causes, o.Cause, "%s: %s", names[i], reasons)
		assert.Contains(t, reasons, want.says, names[i])
		assert.Less(t, len(o.Message), 70_000, names[i])
		assert.Less(t, o.Seconds.Start, 60.0, names[i])
	}
	assert.Less(t, peak, int64(200*tool.Megabyte), "the tool's memory")
	assert.Less(t, logged, int64(20*tool.Megabyte), "what the engine keeps of a log")
	assert.Empty(t, owned(t, e, command.Process.Pid))
	assert.Empty(t, processes(t, "hostile-child"))
	harmlessBytes(t, "stdout", stdout.String())
	harmlessBytes(t, "stderr", stderr.String())
	Row(t, "programs that flood the log (1 GB) or the build, fork, ignore SIGTERM, answer slowly or for ever, listen elsewhere",
		"%d programs, %d verdicts right, %.0f s, %d MB of memory, %d MB of the longest log kept, 0 left over%s",
		len(names), len(doc.Steps), took.Seconds(), peak/tool.Megabyte, logged/tool.Megabyte,
		Said(command.ProcessState.ExitCode(), strings.Join(tool.Reasons(doc), "\n"), "floods"))
}

// Told as a story, such a step cannot steer the terminal.
func TestFaultAStorysEscapes(t *testing.T) {
	e := engines.Engine(t)
	dir, names := hostileSteps(t)
	told := 0
	for _, name := range names {
		if !strings.HasSuffix(name, "-escapes") {
			continue
		}
		command := tool.Program(t, "run", "--steps", dir, name)
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		command.Run()
		assert.Equal(t, tool.Unexpected, command.ProcessState.ExitCode(), "%s", &stderr)
		assert.Contains(t, stdout.String(), "LABEL says=␛[31mescapes␇")
		harmlessBytes(t, "stdout", stdout.String())
		harmlessBytes(t, "stderr", stderr.String())
		told += stdout.Len() + stderr.Len()
	}
	out, err := e.Output(context.Background(), "images", "--quiet", "--filter", "label=says=\x1b[31mescapes\a")
	require.NoError(t, err)
	for _, id := range strings.Fields(out) {
		e.Output(context.Background(), "rmi", "--force", id)
	}
	Row(t, "escapes in a program's log and answer, a Dockerfile, a table of steps", "%d bytes told, 0 control characters sent", told)
}

// owned lists the containers that a process of this tool is responsible for.
func owned(t *testing.T, e *engine.Engine, pid int) []string {
	out, err := e.Output(context.Background(), "ps", "--all", "--format", "{{.Names}}", "--filter",
		"label="+engine.LabelOwner+"="+engine.OwnerOf(pid))
	require.NoError(t, err)
	return strings.Fields(out)
}

// processes lists those of this machine that have a word in their command line.
func processes(t *testing.T, word string) (found []string) {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, file := range all {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), word) {
			found = append(found, file)
		}
	}
	return found
}

// watchLogs measures, as long as a process runs, the longest log that the engine
// keeps of its containers, where this test may look at it; the function that it
// returns ends that and tells the bytes.
func watchLogs(t *testing.T, e *engine.Engine, pid int) func() int64 {
	ctx, stop := context.WithCancel(context.Background())
	most := make(chan int64, 1)
	go func() {
		longest := int64(0)
		for ctx.Err() == nil {
			for _, name := range owned(t, e, pid) {
				path, _ := e.Output(ctx, "container", "inspect", "--format", "{{.LogPath}}", name)
				if info, err := os.Stat(path); err == nil {
					longest = max(longest, info.Size())
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		most <- longest
	}()
	return func() int64 { stop(); return <-most }
}
