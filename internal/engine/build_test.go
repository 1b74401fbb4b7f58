package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// As docker 20.10 prints it with its legacy builder; shortened.
const legacyCompileError = "Step 1/10 : ARG GO_IMAGE=golang:1.15.7-alpine3.13\n" +
	"Step 2/10 : FROM ${GO_IMAGE}\n" +
	" ---> e93a8152a683\n" +
	"Step 3/10 : RUN adduser --disabled-password echo\n" +
	" ---> Using cache\n" +
	" ---> 72f7abf04cd4\n" +
	"Step 6/10 : COPY . .\n" +
	" ---> d5e715fffcf7\n" +
	"Step 7/10 : RUN go build -o echo .\n" +
	" ---> Running in 6f6dbee1623b\n" +
	"\x1b[91mgo: downloading github.com/gin-gonic/gin v1.6.3\n" +
	"\x1b[0m\x1b[91m# echo\n" +
	"./main.go:16:7: undefined: gin.Defaul\n" +
	"\x1b[0mRemoving intermediate container 6f6dbee1623b\n"

// As dockerd 29 and buildx 0.38 print stages that run side by side, with --progress=plain; shortened.
const buildkitSideBySide = "#4 [build 1/2] FROM docker.io/library/base\n" +
	"#4 resolve docker.io/library/base 0.0s done\n" +
	"#4 DONE 0.0s\n" +
	"\n" +
	"#5 [other 2/2] RUN make\n" +
	"#5 0.611 other words\n" +
	"#5 CANCELED\n" +
	"\n" +
	"#6 [build 2/2] RUN go build -o echo .\n" +
	"#6 4.123 # echo\n" +
	"\n" +
	"#5 [other 2/2] RUN make\n" +
	"#5 4.200 more other words\n" +
	"\n" +
	"#6 [build 2/2] RUN go build -o echo .\n" +
	"#6 4.123 ./main.go:16:7: undefined: gin.Defaul\n"

const buildkitEnd = "\n#7 [third 2/2] RUN sleep 9\n#7 0.910 third words\n#7 CANCELED\n" +
	"------\n > [build 2/2] RUN go build -o echo .:\n4.123 # echo\n4.123 ./main.go:16:7: undefined: gin.Defaul\n------\n"

// The last words of dockerd 29, and of the BuildKit in dockerd 20.10.
const (
	buildkit29 = "#6 ERROR: process \"/bin/sh -c go build -o echo .\" did not complete successfully: exit " +
		"code: 2\n" + buildkitEnd + "Dockerfile:8\n--------------------\n" +
		"   6 |     COPY . .\n   7 | >>> RUN go build -o echo .\n   8 |     \n--------------------\n" +
		"ERROR: failed to build: failed to solve: process \"/bin/sh -c go build -o echo .\" did not complete successfully: exit code: 2\n"
	buildkit20 = "#6 ERROR: executor failed running [/bin/sh -c go build -o echo .]: exit code: 2\n" + buildkitEnd +
		"ERROR: failed to build: failed to solve: executor failed running [/bin/sh -c go build -o echo .]: exit code: 2\n"
)

func read(builder, transcript string) (*buildLog, *[]string) {
	var made []string
	log := &buildLog{builder: builder, made: func(id string) { made = append(made, id) }, at: new(vertex), vertices: map[string]*vertex{}}
	log.read(iotest.HalfReader(strings.NewReader(transcript))) // however the pipe cuts it
	return log, &made
}

func TestAFailedBuildNamesItsInstruction(t *testing.T) {
	const buildah = "STEP 6/7: RUN go build -o echo .\n# echo\n./main.go:16:7: undefined: gin.Defaul\n"
	for name, c := range map[string]struct{ builder, log, stderr string }{
		"legacy": {Legacy, legacyCompileError, "DEPRECATED: …\n\nThe command '/bin/sh -c go build -o echo .' returned a non-zero " +
			"code: 2\n"},
		"legacy of docker 29": {Legacy, strings.ReplaceAll(legacyCompileError, "Removing", " ---> Removed"),
			"The command '/bin/sh -c go build -o echo .' returned a non-zero code: 2\n"},
		"buildkit":       {BuildKit, buildkitSideBySide + buildkit29, buildkitSideBySide + buildkit29},
		"buildkit of 20": {BuildKit, buildkitSideBySide + buildkit20, buildkitSideBySide + buildkit20},
		"buildah":        {Buildah, buildah, "Error: building at STEP \"RUN go build -o echo .\": while running runtime: exit status 2\n"},
		"buildah, chroot": {Buildah, buildah + "Error: building at STEP \"RUN go build -o echo .\": exit status 2\n",
			"Error: building at STEP \"RUN go build -o echo .\": exit status 2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			log, _ := read(c.builder, c.log)
			failure := log.failure(c.stderr)
			assert.Equal(t, "RUN go build -o echo .", failure.Instruction)
			assert.Equal(t, 2, failure.ExitCode)
			said := "# echo\n./main.go:16:7: undefined: gin.Defaul"
			if c.builder == Legacy {
				said = "go: downloading github.com/gin-gonic/gin v1.6.3\n" + said
			}
			assert.Equal(t, said, failure.Output, "the instruction's own words, all of them, and no others")
		})
	}
}

// What is entered here, `clean` removes: only what this very build made.
func TestALegacyBuildTellsWhatItMade(t *testing.T) {
	_, made := read(Legacy, legacyCompileError)
	assert.Equal(t, []string{"d5e715fffcf7"}, *made, "the base, and what an earlier build had made, are not its own")
}

func TestALineWithoutEndIsCut(t *testing.T) {
	const flood = 3 * 32 << 10
	log := &buildLog{builder: Legacy, at: new(vertex)}
	log.read(strings.NewReader(strings.Repeat("x", flood)))
	assert.Equal(t, flood, strings.Count(log.at.printed.String(), "x"), "no byte of it is lost")
	assert.Equal(t, 2, strings.Count(log.at.printed.String(), "\n"))
}

// What a builder takes from an earlier build, each says in its own way.
func TestTheLogTellsWhatWasCached(t *testing.T) {
	for builder, text := range map[string]string{
		Legacy: "Step 1/3 : FROM x\n ---> 0123456789ab\nStep 2/3 : RUN a\n ---> Using cache\n ---> 0123456789ac\nStep 3/3 : RUN b\n " +
			"---> Running in 0123456789ad\n",
		BuildKit: "#5 [build 1/3] FROM x\n#6 [build 2/3] RUN a\n#7 [build 3/3] RUN b\n#6 CACHED\n#7 0.1 CACHED\n",
		Buildah:  "STEP 1/3: FROM x\nSTEP 2/3: RUN a\n--> Using cache 0123\nSTEP 3/3: RUN b\n--> 0124\n",
	} {
		log, _ := read(builder, text)
		assert.Equal(t, []string{"RUN a"}, log.reused, builder)
	}
}

// Runs at the same time note in one file: none takes away another's lines.
func TestRunsSideBySideLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	var all sync.WaitGroup
	for run := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			l := Ledger{Path: path}
			for i := range 50 {
				l.note(entry{"e", fmt.Sprintf("image-%d-%d", run, i), "1@h", 1})
			}
		}()
	}
	all.Wait()
	assert.Len(t, Ledger{Path: path}.entries("e"), 400)
}

func TestTheLedgerListsWhatAnEngineHolds(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "sub", "ledger")}
	assert.Empty(t, l.entries("e1"), "no file yet")
	for _, e := range []entry{
		{"e1", "a", "1@h", 100}, {"e2", "b", "1@h", 100}, {"e1", "c", "1@h", 100}, {"e1", "a", "2@h", 100},
	} {
		l.note(e)
	}
	ids := func(engine string) (all []string) {
		for _, e := range l.entries(engine) {
			all = append(all, e.id)
		}
		return all
	}
	assert.Equal(t, []string{"a", "c"}, ids("e1"), "the newest first, each once: children go before parents")
	require.NoError(t, l.forget("e1", func(made entry) bool { return made.id == "c" }))
	assert.Equal(t, []string{"c"}, ids("e1"), "somebody uses it still")
	assert.Equal(t, []string{"b"}, ids("e2"), "another engine's stay")
	none := func(entry) bool { return false }
	require.NoError(t, l.forget("e1", none))
	require.NoError(t, l.forget("e2", none))
	assert.NoFileExists(t, l.Path, "nothing of ours is left")
	require.NoError(t, l.forget("e1", none), "nor to forget")
}

// A RUN that prints "---> Running in ID" must not get somebody's container removed.
func TestWhatIsOlderThanTheBuildIsNotOurs(t *testing.T) {
	now := time.Now()
	e := entry{since: now.Unix()}
	assert.True(t, e.sinceThen(now.Add(time.Second).Format(time.RFC3339Nano)))
	assert.False(t, e.sinceThen(now.Add(-time.Minute).Format(time.RFC3339Nano)))
	assert.False(t, e.sinceThen(""))
	assert.False(t, e.sinceThen("yesterday"))
}

func TestAProcessThatEndedLeavesItsContainersToTheNext(t *testing.T) {
	assert.False(t, orphaned(owner()), "this process is at work")
	assert.True(t, orphaned(OwnerOf(999999999)))
	assert.False(t, orphaned("999999999@another-host"))
	assert.False(t, orphaned(""), "kept on purpose")
	assert.True(t, busy(OwnerOf(os.Getppid())) && busy("999999999@another-host"))
	assert.False(t, busy(owner()) || busy(OwnerOf(999999999)) || busy(""))
}

// What the engine's program says for itself is no line of the container's log.
func TestALogIsTheContainersLines(t *testing.T) {
	assert.Equal(t, "[GIN-debug] Listening\n\n2020-01-01T00:00:00Z its own time\nthe last",
		stamped("WARNING: Error parsing config file\n"+
			"2026-11-24T20:10:00.123456789Z [GIN-debug] Listening\n"+ // docker
			"2026-11-24T20:10:00.123456789+01:00 \n"+ // podman, and an empty line
			"2026-11-24T20:10:00.123456789Z 2020-01-01T00:00:00Z its own time\n"+
			"2026-11-24T20:10:00Z the last"))
	assert.Empty(t, stamped("WARNING: nothing\n"))
}

func TestNoTagIsTooLong(t *testing.T) {
	long := strings.Repeat("registry.example/a-long-name:", 9)
	assert.Equal(t, "06-nonroot-scratch-ghcr.io-a-b-1", Tag("06-nonroot-scratch-ghcr.io/a/b:1"))
	assert.Len(t, Tag(long), 128)
	assert.NotEqual(t, Tag(long+"1"), Tag(long+"2"), "what is cut off still counts")
}
