package dockerfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/dockerfile"
)

// odd is what people write, and what builders take in their own way.
var odd = []string{
	"from golang as build\nfrom scratch\ncopy --from=build / /\n",
	"FROM --platform=$BUILDPLATFORM \\\n  # which one\n  golang:1.22 \\\n AS b\n",
	"FROM golang\\\n AS b\n",
	"FROM golang\nRUN a \\\n\n  # b\n  && c\\\\\nRUN d\n",
	"# escape=`\nFROM golang `\n AS b\nCOPY a\\ b\n",
	"# syntax=docker/dockerfile:1\n# escape = `\n# x\nFROM golang `\n AS b\n",
	"# a comment\n# escape=`\nFROM golang\nRUN dir C:\\\\\n",
	"FROM golang\nRUN cat <<EOF\nFROM alpine\nEOF\nRUN <<-'END' sh\n\tRUN x\n\tEND\n",
	"FROM golang\nCOPY <<a <<\"b\" /\none\na\nFROM x\nb\nUSER 1\n",
	"FROM golang\nRUN echo $((1<<2)) <<< x\nUSER 1\n",
	"FROM golang\nRUN --mount=type=cache,target=/x --mount=from=alpine,target=/a --network=none go build\n",
	"FROM golang\nRUN\tgo\tbuild\t\nENV A=b \\\n    C=d\nSHELL [\"/bin/sh\", \"-c\"]\n",
	"\ufeffFROM golang\r\nRUN true \\\r\n\r\n && false\r\nFROM alpine:3.13 as x\r\n",
}

// What the reader takes for instructions, flags and here-documents is what BuildKit takes for them.
func TestReadsAsBuildKitDoes(t *testing.T) {
	texts := odd
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasPrefix(entry.Name(), "Dockerfile") && !strings.HasSuffix(path, ".dockerignore") {
			text, err := os.ReadFile(path)
			texts = append(texts, string(text))
			return err
		}
		return err
	}))
	require.Greater(t, len(texts), len(odd)+40)
	for _, text := range texts {
		theirs, err := parser.Parse(strings.NewReader(text))
		if !assert.NoError(t, err, text) {
			continue
		}
		var want, got [][]string
		heredoc := false
		for _, node := range theirs.AST.Children {
			words := strings.Fields(node.Original)
			want = append(want, append([]string{strings.ToUpper(node.Value)}, words[1:]...))
			heredoc = heredoc || len(node.Heredocs) > 0
		}
		ours := dockerfile.Parse(text)
		for i, in := range ours.Instructions {
			got = append(got, append(append([]string{in.Word}, in.Flags...), strings.Fields(in.Rest)...))
			if i < len(theirs.AST.Children) {
				assert.Equal(t, append([]string{}, theirs.AST.Children[i].Flags...), append([]string{}, in.Flags...), text)
			}
		}
		assert.Equal(t, want, got, text)
		assert.Equal(t, heredoc, ours.Heredoc, text)
	}
}
