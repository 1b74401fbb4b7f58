package check

import (
	"os"
	"regexp"
	"strconv"
	"strings"
)

// instruction is one of a Dockerfile: continued lines are joined, comments left out.
type instruction struct {
	word        string   // FROM, RUN …, in capitals
	flags       []string // --from=build …
	rest        string   // what stands after them
	first, last int      // its lines, counted from 0
}

// dockerfile is a Dockerfile as far as it must be understood here: which images
// it takes from outside. The builders do the rest.
type dockerfile struct {
	lines        []string
	instructions []instruction
	heredoc      bool // it has a here-document: the legacy builder knows none
}

var (
	escapeLine  = regexp.MustCompile("(?i)^#\\s*escape\\s*=\\s*([\\\\`])")
	directive   = regexp.MustCompile(`^#\s*[a-zA-Z]+\s*=`)
	heredocMark = regexp.MustCompile(`<<-?\s*["']?([A-Za-z_][A-Za-z0-9_]*)["']?`)
)

func parse(text string) *dockerfile {
	text = strings.TrimPrefix(text, "\ufeff")
	d := &dockerfile{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	escape := `\`
	for _, line := range d.lines { // directives stand at the top only
		if !directive.MatchString(line) {
			break
		}
		if m := escapeLine.FindStringSubmatch(line); m != nil {
			escape = m[1]
		}
	}
	for i := 0; i < len(d.lines); i++ {
		first, joined := i, ""
		for ; i < len(d.lines); i++ {
			line := strings.TrimSpace(d.lines[i])
			if strings.HasPrefix(line, "#") || line == "" && joined != "" {
				continue // also between the lines of one instruction
			}
			if joined == "" {
				first = i
			}
			part, goesOn := strings.CutSuffix(line, escape)
			joined += part
			if !goesOn {
				break
			}
		}
		in, ok := instructionOf(joined)
		if !ok {
			continue
		}
		if in.word == "RUN" || in.word == "COPY" || in.word == "ADD" {
			for _, mark := range heredocMark.FindAllStringSubmatch(in.rest, -1) {
				end := i + 1
				for end < len(d.lines) && strings.TrimLeft(d.lines[end], "\t") != mark[1] {
					end++
				}
				if end < len(d.lines) { // else it is something of the shell's
					d.heredoc, i = true, end
				}
			}
		}
		in.first, in.last = first, min(i, len(d.lines)-1)
		d.instructions = append(d.instructions, in)
	}
	return d
}

func instructionOf(line string) (instruction, bool) {
	word, rest, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(line), "\t", " "), " ")
	in := instruction{word: strings.ToUpper(word)}
	for rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "--"); rest = strings.TrimSpace(rest) {
		var flag string
		flag, rest, _ = strings.Cut(rest, " ")
		in.flags = append(in.flags, flag)
	}
	in.rest = rest
	return in, word != ""
}

// flag gives the value of an instruction's flag; "" where it has none.
func (in instruction) flag(name string) string {
	for _, f := range in.flags {
		if value, ok := strings.CutPrefix(f, "--"+name+"="); ok {
			return value
		}
	}
	return ""
}

// reference is a place where a Dockerfile takes an image, or a stage, from outside of the stage.
type reference struct {
	at    int    // the instruction
	image string // as it is meant: arguments filled in
	from  bool   // it stands in FROM, not in a --from=
}

// references gives all that name an image: what names an earlier stage is left out.
func (d *dockerfile) references() []reference {
	var found []reference
	args := map[string]string{}
	stages, count := map[string]bool{}, -1
	for i, in := range d.instructions {
		switch in.word {
		case "ARG":
			if count < 0 { // only these hold in FROM
				for _, one := range strings.Fields(in.rest) {
					name, value, _ := strings.Cut(one, "=")
					args[name] = expand(strings.Trim(value, `"'`), args)
				}
			}
		case "FROM":
			words := strings.Fields(in.rest)
			if len(words) == 0 {
				continue
			}
			image := expand(strings.Trim(words[0], `"'`), args)
			if image != "scratch" && !stages[strings.ToLower(image)] {
				found = append(found, reference{i, image, true})
			}
			count++
			if len(words) == 3 && strings.EqualFold(words[1], "AS") {
				stages[strings.ToLower(words[2])] = true
			}
		case "COPY", "ADD":
			from := in.flag("from")
			if n, err := strconv.Atoi(from); from == "" || stages[strings.ToLower(from)] || err == nil && n >= 0 && n < count {
				continue
			}
			found = append(found, reference{i, from, false})
		}
	}
	return found
}

// expand fills in $NAME, ${NAME}, ${NAME:-otherwise} and ${NAME:+instead}.
func expand(text string, args map[string]string) string {
	return os.Expand(text, func(name string) string {
		if name, otherwise, ok := strings.Cut(name, ":-"); ok {
			if args[name] == "" {
				return otherwise
			}
			return args[name]
		}
		if name, instead, ok := strings.Cut(name, ":+"); ok {
			if args[name] == "" {
				return ""
			}
			return instead
		}
		return args[name]
	})
}

// stageNames lists the names of the stages, for a proof that one is not among them.
func (d *dockerfile) stageNames() (names []string, count int) {
	for _, in := range d.instructions {
		if in.word != "FROM" {
			continue
		}
		count++
		if words := strings.Fields(in.rest); len(words) == 3 {
			names = append(names, words[2])
		}
	}
	return names, count
}

// with gives the text with other images in place of some references, by
// instruction. Every line keeps its number, so that the builder's complaints hold.
func (d *dockerfile) with(images map[int]string, dropPlatform bool) string {
	lines := append([]string(nil), d.lines...)
	for i, in := range d.instructions {
		image, given := images[i]
		platform := in.word == "FROM" && dropPlatform && strings.HasPrefix(in.flag("platform"), "$")
		if !given && !platform {
			continue
		}
		var words []string
		for _, flag := range in.flags {
			switch {
			case strings.HasPrefix(flag, "--from=") && given:
				words = append(words, "--from="+image)
			case strings.HasPrefix(flag, "--platform=") && (platform || given):
			default:
				words = append(words, flag)
			}
		}
		rest := in.rest
		if in.word == "FROM" && given {
			fields := strings.Fields(rest)
			fields[0] = image
			rest = strings.Join(fields, " ")
		}
		lines[in.first] = strings.Join(append(append([]string{in.word}, words...), rest), " ")
		for n := in.first + 1; n <= in.last; n++ {
			lines[n] = ""
		}
	}
	return strings.Join(lines, "\n")
}
