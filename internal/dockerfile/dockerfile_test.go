package dockerfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Every way to name an image from outside is found, with its arguments filled in;
// stages are not images.
func TestFindsTheImagesThatADockerfileNames(t *testing.T) {
	for text, want := range map[string][]string{
		"FROM golang:1.15.7-alpine3.13\n":                                                {"golang:1.15.7-alpine3.13"},
		"from golang as build\nFROM scratch\nCOPY --from=build / /\n":                    {"golang"},
		"ARG V=1.15\nARG A=golang:${V}\nFROM $A AS Build\nFROM build\n":                  {"golang:1.15"},
		"ARG V\nFROM golang:${V:-1.22}${V:+-never}\n":                                    {"golang:1.22"},
		"FROM --platform=$BUILDPLATFORM \\\n  # which one\n  golang:1.22 \\\n AS b\n":    {"golang:1.22"},
		"FROM scratch\nCOPY --from=golang:1.15 --chown=1 /a /b\n":                        {"golang:1.15"},
		"FROM golang\nFROM scratch\nCOPY --from=0 / /\nCOPY --from=1 / /\n":              {"golang", "1"},
		"# escape=`\nFROM golang `\n AS b\nCOPY a\\ b\n":                                 {"golang"},
		"FROM golang\nRUN cat <<EOF\nFROM alpine\nEOF\n":                                 {"golang"},
		"FROM golang\nRUN --mount=from=alpine,target=/a x\n":                             {"golang", "alpine"},
		"FROM golang\\\n AS b\nFROM b\n":                                                 {"golang"},
		"FROM golang\nRUN cat <<EOF\nFROM alpine\n":                                      {"golang", "alpine"}, // no end: no here-document
		"\ufeffFROM golang\r\nRUN true \\\r\n\r\n && false\r\nFROM alpine:3.13 as x\r\n": {"golang", "alpine:3.13"},
	} {
		var found []string
		for _, ref := range Parse(text).References() {
			found = append(found, ref.Image)
		}
		assert.Equal(t, want, found, text)
	}
}

// The beginning of a file is its text as it stands, comments, directives and all, and no line of what follows.
func TestTheHeadOfAFile(t *testing.T) {
	const text = "# escape=`\nFROM golang `\n AS b\n# why\nRUN cat <<E\nE\nCOPY . .\n"
	for n, head := range []string{"# escape=`\n", "# escape=`\nFROM golang `\n AS b\n# why\n", strings.TrimSuffix(text, "COPY . .\n"), text, text} {
		assert.Equal(t, head, Parse(text).Head(n))
	}
}

// Arguments that double each other, or lie in each other, end. Broken, this takes all memory.
func TestArgumentsHaveAnEnd(t *testing.T) {
	for _, text := range []string{
		"ARG A=x\n" + strings.Repeat("ARG A=$A$A\n", 60) + "FROM $A\n",
		"ARG A=" + strings.Repeat("x", 4000) + "\nFROM " + strings.Repeat("$A", 30_000) + "\n",
		"FROM " + strings.Repeat("${A:-", 190_000) + "\n",
	} {
		for _, ref := range Parse(text).References() {
			assert.Less(t, len(ref.Image), 1_000_000)
		}
	}
}

// What is put in the place of an image changes nothing else, and no line's number.
func TestPutsAnotherImageInItsPlace(t *testing.T) {
	f := Parse("# top\nFROM --platform=$BUILDPLATFORM \\\n  golang:1.22 \\\n  AS b\nRUN a \\\n  b\nFROM scratch\n" +
		"COPY --chown=1 --from=golang:1.22 /x /y\nRUN --mount=type=bind,from=golang:1.22,target=/a <<E\nx\nE\n")
	images := map[Reference]string{}
	for _, ref := range f.References() {
		images[ref] = "base"
	}
	assert.Equal(t, "# top\nFROM base   AS b\n\n\nRUN a \\\n  b\nFROM scratch\n"+
		"COPY --chown=1 --from=base /x /y\nRUN --mount=type=bind,from=base,target=/a <<E\nx\nE\n", f.With(images, true))
	assert.Equal(t, "FROM golang\nRUN true\n", Parse("FROM golang\nRUN true\n").With(nil, true))
}
