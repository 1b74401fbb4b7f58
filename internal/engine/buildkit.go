package engine

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// vertex is an instruction, by BuildKit's word, which does several at the same time.
type vertex struct {
	instruction string
	printed     tail
	why         string // BuildKit says that it failed
}

var (
	buildkitStep = regexp.MustCompile(`^\[[^\]]*\d+/\d+\] (.*)`) // "[build 6/6] RUN go build -o echo ."
	buildkitText = regexp.MustCompile(`^\d+\.\d+ (.*)`)          // "1.234 what it printed"
)

// buildkit takes in a line of BuildKit's. Those of an instruction, and what it
// prints, begin with its number: "#8 1.234 text". All others are BuildKit's own.
func (b *buildLog) buildkit(line string) {
	number, rest, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(number, "#") {
		return
	}
	v := b.vertices[number]
	if m := buildkitStep.FindStringSubmatch(rest); m != nil {
		if v == nil { // else it is taken up again
			b.vertices[number] = &vertex{instruction: m[1]}
		}
		return
	}
	why, failed := strings.CutPrefix(rest, "ERROR: ")
	switch {
	case v == nil:
	case rest == "CACHED":
		b.reused = append(b.reused, v.instruction)
	case failed:
		v.why = why
		b.failed = append(b.failed, v)
	default:
		if m := buildkitText.FindStringSubmatch(rest); m != nil {
			v.printed.Write([]byte(m[1] + "\n"))
		}
	}
}

// culprit gives the instruction that a build failed for; of several, the one that
// BuildKit's last words are about. nil where none failed.
func (b *buildLog) culprit(message string) (culprit *vertex) {
	for _, v := range b.failed {
		if culprit == nil || strings.Contains(message, v.why) {
			culprit = v
		}
	}
	return culprit
}

// driver is how `docker buildx inspect` names the kind of a builder.
var driver = regexp.MustCompile(`(?m)^Driver:\s*(\S+)`)

// Use has a builder of buildx build from now on: one in a container, on another
// machine, in a cluster. What it builds is loaded into the engine.
func (e *Engine) Use(ctx context.Context, builder string) error {
	if e.Builder != BuildKit {
		return fmt.Errorf("--builder takes docker with the buildx plugin; the builder here is %s", e.Builder)
	}
	text, err := e.Output(ctx, "buildx", "inspect", builder)
	if err != nil {
		return fmt.Errorf("no builder %s: %w\n`docker buildx ls` lists those that there are", builder, err)
	}
	kind := driver.FindStringSubmatch(text)
	if kind == nil {
		return fmt.Errorf("`docker buildx inspect %s` names no driver", builder)
	}
	e.Using, e.Apart = builder, kind[1] != "docker"
	return nil
}
