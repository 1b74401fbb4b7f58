package check

import (
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
		"FROM golang\nRUN cat <<EOF\nFROM alpine\n":                                      {"golang", "alpine"}, // no end: no here-document
		"\ufeffFROM golang\r\nRUN true \\\r\n\r\n && false\r\nFROM alpine:3.13 as x\r\n": {"golang", "alpine:3.13"},
	} {
		var found []string
		for _, ref := range parse(text).references() {
			found = append(found, ref.image)
		}
		assert.Equal(t, want, found, text)
	}
}

// What is put in the place of an image changes nothing else, and no line's number.
func TestPutsAnotherImageInItsPlace(t *testing.T) {
	d := parse("# top\nFROM --platform=$BUILDPLATFORM \\\n  golang:1.22 \\\n  AS b\nRUN a \\\n  b\nFROM scratch\nCOPY --chown=1 --from=golang:1.22 /x /y\n")
	images := map[int]string{}
	for _, ref := range d.references() {
		images[ref.at] = "base"
	}
	assert.Equal(t, "# top\nFROM base AS b\n\n\nRUN a \\\n  b\nFROM scratch\nCOPY --chown=1 --from=base /x /y\n", d.with(images, true))
	assert.Equal(t, "FROM golang\nRUN true\n", parse("FROM golang\nRUN true\n").with(nil, true))
}

// A slip in a stage's name is the Dockerfile's fault; an image that is not here is not.
func TestTellsASlipFromAnImage(t *testing.T) {
	for text, fault := range map[string]string{
		"FROM golang\nFROM scratch\nCOPY --from=build /a /\n":          "--from=build names no stage: none has a name",
		"FROM golang AS build\nFROM scratch\nCOPY --from=biuld /a /\n": "--from=biuld names no stage: those with a name are: build",
		"FROM golang\nFROM scratch\nCOPY --from=1 /a /\n":              "--from=1: there is no stage of that number before it; of 2 stages the first is 0",
		"FROM scrach\n": "FROM scrach names no stage: none has a name",
		"FROM alpine\nCOPY --from=busybox /a /\n": "",
		"FROM gcr.io/distroless/static\n":         "",
		"FROM golnag:1.15\n":                      "",
		"ARG BASE\nFROM $BASE\n":                  "a FROM names no image",
	} {
		d, got := parse(text), ""
		for _, ref := range d.references() {
			if !isGolang(ref.image) && got == "" {
				got = namesNothing(d, ref)
			}
		}
		assert.Equal(t, fault, got, text)
	}
}
