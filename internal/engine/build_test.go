package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
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

// As buildx 0.17 prints it with --progress=plain; shortened.
const buildkitCompileError = "#5 [stage-0 1/5] FROM docker.io/library/base\n" +
	"#5 DONE 0.0s\n" +
	"#9 [stage-0 5/5] RUN go build -o echo .\n" +
	"#8 [stage-1 1/1] COPY passwd /etc/passwd\n" +
	"#9 4.123 # echo\n" +
	"#9 4.123 ./main.go:16:7: undefined: gin.Defaul\n"

const buildkitEnd = "------\nDockerfile:8\n--------------------\n" +
	"   6 |     COPY . .\n   7 | >>> RUN go build -o echo .\n   8 |     \n--------------------\n" +
	"ERROR: failed to solve: process \"/bin/sh -c go build -o echo .\" did not complete successfully: exit code: 2\n"

func read(transcript string) (*buildLog, *[]string) {
	var made []string
	log := &buildLog{made: func(kind, id string) { made = append(made, kind+" "+id) }, output: &tail{limit: 64 << 10}}
	out := &lines{each: log.line}
	for _, piece := range strings.SplitAfter(transcript, "d") { // however the pipe cuts it
		fmt.Fprint(out, piece)
	}
	out.flush()
	return log, &made
}

func TestAFailedBuildNamesItsInstruction(t *testing.T) {
	for name, c := range map[string]struct{ log, stderr string }{
		"legacy":   {legacyCompileError, "DEPRECATED: …\n\nThe command '/bin/sh -c go build -o echo .' returned a non-zero code: 2\n"},
		"buildkit": {buildkitCompileError, buildkitCompileError + buildkitEnd},
		"buildah": {"STEP 6/7: RUN go build -o echo .\n# echo\n./main.go:16:7: undefined: gin.Defaul\n",
			"Error: building at STEP \"RUN go build -o echo .\": while running runtime: exit status 2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			log, _ := read(c.log)
			failure := log.failure(c.stderr)
			assert.Equal(t, "RUN go build -o echo .", failure.Instruction)
			assert.Equal(t, 2, failure.ExitCode)
			assert.Contains(t, failure.Output, "./main.go:16:7: undefined: gin.Defaul")
			assert.NotContains(t, failure.Output, "\x1b")
			assert.NotContains(t, failure.Output, " container ", "the builder's own words are no output of the command")
			assert.NotContains(t, failure.Output, "Running in")
		})
	}
}

// What is entered here, `clean` removes: only what this very build made.
func TestALegacyBuildTellsWhatItMade(t *testing.T) {
	log, made := read(legacyCompileError)
	assert.Equal(t, []string{"image d5e715fffcf7", "container 6f6dbee1623b", "gone 6f6dbee1623b"}, *made,
		"the base, and what an earlier build had made, are not its own")
	assert.Empty(t, log.container, "the builder removed it itself")

	log, _ = read(strings.TrimSuffix(legacyCompileError, "\x1b[0mRemoving intermediate container 6f6dbee1623b\n"))
	assert.Equal(t, "6f6dbee1623b", log.container, "a stopped build leaves it there")
}

func TestALineWithoutEndIsCut(t *testing.T) {
	var longest int
	out := &lines{each: func(line string) { longest = max(longest, len(line)) }}
	for range 1000 {
		fmt.Fprint(out, strings.Repeat("x", 1000))
	}
	assert.Less(t, longest, 70_000)
	assert.Less(t, len(out.rest), 70_000)
}

// What a builder takes from an earlier build, each says in its own way.
func TestTheLogTellsWhatWasCached(t *testing.T) {
	for builder, text := range map[string]string{
		"legacy":   "Step 1/3 : FROM x\n ---> 0123456789ab\nStep 2/3 : RUN a\n ---> Using cache\n ---> 0123456789ac\nStep 3/3 : RUN b\n ---> Running in 0123456789ad\n",
		"buildkit": "#5 [build 1/3] FROM x\n#6 [build 2/3] RUN a\n#7 [build 3/3] RUN b\n#6 CACHED\n#7 0.1 CACHED\n",
		"buildah":  "STEP 1/3: FROM x\nSTEP 2/3: RUN a\n--> Using cache 0123\nSTEP 3/3: RUN b\n--> 0124\n",
	} {
		var cached []string
		log := &buildLog{made: func(string, string) {}, output: &tail{limit: 1 << 10}, reused: func(i string) { cached = append(cached, i) }}
		out := &lines{each: log.line}
		out.Write([]byte(text))
		assert.Equal(t, []string{"RUN a"}, cached, builder)
	}
}
