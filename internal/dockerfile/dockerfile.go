// Package dockerfile reads a Dockerfile as far as must be known without a builder:
// which instructions it has, and which images they take from outside.
package dockerfile

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// File is a Dockerfile.
type File struct {
	Instructions []Instruction
	Heredoc      bool // it has a here-document: docker's old builder knows none

	lines []string
}

// Instruction is one of a Dockerfile: continued lines are joined, comments left out.
type Instruction struct {
	Word  string   // FROM, RUN …, in capitals
	Flags []string // --from=build …
	Rest  string   // what stands after them

	first, last int // its lines, counted from 0
}

// Line is the one where it begins, counted from 1.
func (in Instruction) Line() int { return in.first + 1 }

// Head is the text before the instruction n, counted from 0.
func (f *File) Head(n int) string {
	if n < len(f.Instructions) {
		return strings.Join(append(f.lines[:f.Instructions[n].first:f.Instructions[n].first], ""), "\n")
	}
	return strings.Join(f.lines, "\n")
}

// Has says whether an instruction of the file begins with a word, in capitals.
func (f *File) Has(word string) bool {
	return slices.ContainsFunc(f.Instructions, func(in Instruction) bool { return in.Word == word })
}

var (
	directive = regexp.MustCompile(`^#\s*([a-zA-Z]+)\s*=\s*(\S*)`)
	before    = regexp.MustCompile(`^\s*(\S+)((?:\s+--\S*)*)`) // an instruction's rest: its word and its flags
	heredoc   = regexp.MustCompile(`^\d*<<(-?)["']?([^\s<"']+)["']?$`)
)

// Parse reads a Dockerfile's text.
func Parse(text string) *File {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	f := &File{lines: strings.Split(text, "\n")}
	escape := `\`
	for _, line := range f.lines { // directives stand at the top only
		found := directive.FindStringSubmatch(line)
		if found == nil {
			break
		}
		if strings.EqualFold(found[1], "escape") {
			escape = found[2]
		}
	}
	for i := 0; i < len(f.lines); i++ {
		first, joined := i, ""
		for ; i < len(f.lines); i++ {
			line := strings.TrimRight(f.lines[i], " \t")
			bare := strings.TrimLeft(line, " \t")
			if strings.HasPrefix(bare, "#") || bare == "" && joined != "" {
				continue // also between the lines of one instruction
			}
			if joined == "" {
				first = i
			}
			part, goesOn := strings.CutSuffix(line, escape)
			if !goesOn || strings.HasSuffix(part, escape) {
				joined += line
				break
			}
			joined += part
		}
		if found := before.FindStringSubmatch(joined); found != nil {
			rest := strings.TrimSpace(joined[len(found[0]):])
			in := Instruction{strings.ToUpper(found[1]), strings.Fields(found[2]), rest, first, min(i, len(f.lines)-1)}
			i = f.afterHeredocs(in, i)
			f.Instructions = append(f.Instructions, in)
		}
	}
	return f
}

// afterHeredocs gives the last line of the here-documents of an instruction that ends on line i.
func (f *File) afterHeredocs(in Instruction, i int) int {
	if !slices.Contains([]string{"RUN", "COPY", "ADD"}, in.Word) {
		return i
	}
	for _, word := range strings.Fields(in.Rest) {
		mark := heredoc.FindStringSubmatch(word)
		if mark == nil {
			continue
		}
		for end := i + 1; end < len(f.lines); end++ {
			line := f.lines[end]
			if mark[1] != "" {
				line = strings.TrimLeft(line, "\t")
			}
			if line == mark[2] { // without an end, it is something of the shell's
				f.Heredoc, i = true, end
				break
			}
		}
	}
	return i
}

// Reference is a place where a Dockerfile takes an image from outside.
type Reference struct {
	Image string // as it is meant: arguments filled in
	From  bool   // it stands in FROM, not in a --from= or a mount's from=

	at   int    // the instruction
	said string // the image as it stands there
}

var takes = regexp.MustCompile(`^--(?:mount=(?:.*,)?)?from=([^,]+)`)

// taken gives what an instruction takes from, as it stands there.
func (in Instruction) taken() (all []string) {
	if in.Word == "FROM" {
		return append(strings.Fields(in.Rest), "")[:1]
	}
	for _, flag := range in.Flags {
		if found := takes.FindStringSubmatch(flag); found != nil {
			all = append(all, found[1])
		}
	}
	return all
}

// Stages lists the stages: the name of each, "" of one without.
func (f *File) Stages() (names []string) {
	for _, in := range f.Instructions {
		if in.Word == "FROM" {
			name := ""
			if words := strings.Fields(in.Rest); len(words) == 3 && strings.EqualFold(words[1], "AS") {
				name = words[2]
			}
			names = append(names, name)
		}
	}
	return names
}

// References gives all that name an image: what names an earlier stage is left out.
func (f *File) References() []Reference {
	var found []Reference
	args := map[string]string{}
	all, stage := f.Stages(), -1
	for i, in := range f.Instructions {
		if in.Word == "ARG" && stage < 0 { // only these hold in FROM
			for _, one := range strings.Fields(in.Rest) {
				name, value, _ := strings.Cut(one, "=")
				args[name] = expand(strings.Trim(value, `"'`), args)
			}
		}
		if in.Word == "FROM" {
			stage++
		}
		for _, said := range in.taken() {
			image := said
			if in.Word == "FROM" {
				image = expand(strings.Trim(said, `"'`), args)
			}
			isStage := image != "" && slices.ContainsFunc(all[:max(0, stage)],
				func(name string) bool { return strings.EqualFold(name, image) })
			if n, err := strconv.Atoi(image); err == nil && in.Word != "FROM" {
				isStage = n >= 0 && n < stage
			}
			if !isStage && image != "scratch" {
				found = append(found, Reference{image, in.Word == "FROM", i, said})
			}
		}
	}
	return found
}

// Bounds of what names an image, and of what its variables become: each may hold the one before twice.
const (
	mostText     = 64 << 10
	mostExpanded = 4096
)

// expand fills in $NAME, ${NAME}, ${NAME:-otherwise} and ${NAME:+instead}.
func expand(text string, args map[string]string) string {
	if len(text) > mostText {
		return text
	}
	left := mostExpanded
	return os.Expand(text, func(name string) string {
		name, otherwise, _ := strings.Cut(name, ":-")
		name, instead, replaced := strings.Cut(name, ":+")
		value := args[name]
		switch {
		case value == "":
			value = otherwise
		case replaced:
			value = instead
		}
		if left -= len(value); left < 0 {
			return ""
		}
		return value
	})
}

// With gives the text with other images in place of some references, and without the
// platforms that FROM takes from an argument, where those are to be dropped. Every line
// keeps its number, so that the builder's complaints hold.
func (f *File) With(images map[Reference]string, dropPlatform bool) string {
	lines := slices.Clone(f.lines)
	for i, in := range f.Instructions {
		flags, rest := slices.Clone(in.Flags), in.Rest
		drop, platform := dropPlatform, "--platform=$"
		for reference, image := range images {
			switch {
			case reference.at != i:
			case reference.From:
				rest = image + strings.TrimPrefix(rest, reference.said)
				drop, platform = true, "--platform="
			default:
				for n := range flags {
					flags[n] = strings.Replace(flags[n], "from="+reference.said, "from="+image, 1)
				}
			}
		}
		if drop {
			flags = slices.DeleteFunc(flags, func(flag string) bool { return strings.HasPrefix(flag, platform) })
		}
		if slices.Equal(flags, in.Flags) && rest == in.Rest {
			continue
		}
		lines[in.first] = strings.Join(append(append([]string{in.Word}, flags...), rest), " ")
		for n := in.first + 1; n <= in.last; n++ {
			lines[n] = ""
		}
	}
	return strings.Join(lines, "\n")
}
