package tell

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/table"
)

func TestADiffShowsTheWholeDockerfile(t *testing.T) {
	steps, err := table.Load("../../../steps")
	require.NoError(t, err)
	diff := func(i int, dockerfile string) []string {
		lines, err := Diff(steps, steps[i], dockerfile)
		require.NoError(t, err)
		return lines
	}
	assert.Equal(t, []string{
		"- FROM ${GO_IMAGE}",
		"+ FROM ${GO_IMAGE} AS build",
		"  RUN adduser --disabled-password echo",
		"  WORKDIR /home/echo/",
		"  USER echo",
		"  COPY . .",
		"  ENV CGO_ENABLED=0",
		"  RUN go build -o echo .",
		"",
		"  FROM scratch",
		"- COPY --from=0 /home/echo/echo /",
		"+ COPY --from=build /home/echo/echo /",
		`  ENTRYPOINT ["/echo"]`,
	}, diff(4, "Dockerfile"))
	assert.Len(t, Changes(diff(5, "Dockerfile")), 3, "only what is new")
	assert.Len(t, Changes(diff(4, "Dockerfile")), 4)
	assert.Equal(t, "+ FROM ${GO_IMAGE}", diff(0, "Dockerfile")[0], "the first step's lines are all new")
	assert.Contains(t, diff(5, "Dockerfile.first-try"), "+ USER 12345")
}
