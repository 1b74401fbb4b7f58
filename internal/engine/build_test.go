package engine

import (
	"strings"
	"testing"
	"testing/iotest"

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
	log := &buildLog{builder: builder, made: func(kind, id string) { made = append(made, kind+" "+id) }, output: new(tail)}
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
	docker29 := strings.ReplaceAll(legacyCompileError, "Removing", " ---> Removed")
	docker29 += "Step 8/10 : RUN true\n ---> Running in 6f6dbee1623c\n ---> Removed intermediate container 6f6dbee1623c\n"
	_, made := read(Legacy, docker29)
	assert.Equal(t, []string{"image d5e715fffcf7", "container 6f6dbee1623b", "gone 6f6dbee1623b", "container 6f6dbee1623c", "gone 6f6dbee1623c"}, *made)

	log, made := read(Legacy, legacyCompileError)
	assert.Equal(t, []string{"image d5e715fffcf7", "container 6f6dbee1623b", "gone 6f6dbee1623b"}, *made,
		"the base, and what an earlier build had made, are not its own")
	assert.Empty(t, log.container, "the builder removed it itself")

	log, _ = read(Legacy, strings.TrimSuffix(legacyCompileError, "\x1b[0mRemoving intermediate container 6f6dbee1623b\n"))
	assert.Equal(t, "6f6dbee1623b", log.container, "a stopped build leaves it there")
}

func TestALineWithoutEndIsCut(t *testing.T) {
	const flood = 3 * 32 << 10
	log := &buildLog{builder: Legacy, output: new(tail)}
	log.read(strings.NewReader(strings.Repeat("x", flood)))
	assert.Equal(t, flood, strings.Count(log.output.String(), "x"), "no byte of it is lost")
	assert.Equal(t, 2, strings.Count(log.output.String(), "\n"))
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
