package check

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/dockerfile"
)

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
		d, got := dockerfile.Parse(text), ""
		for _, ref := range d.References() {
			if !isGolang(ref.Image) && got == "" {
				got = namesNothing(d, ref)
			}
		}
		assert.Equal(t, fault, got, text)
	}
}
