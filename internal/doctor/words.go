package doctor

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// unknowable begins a word of which only the shell, when it runs, knows what it becomes. No word that a program is given holds one.
const unknowable = "\x00"

// atStart are variables that the runtime or the shell sets, where the image does not.
var atStart = set("HOSTNAME TERM PWD OLDPWD PPID IFS OPTIND PS1 PS2 PS4 RANDOM SECONDS LINENO UID EUID SHELL BASH SHLVL USER LOGNAME")

var parameter = regexp.MustCompile(`^\$(?:\{(\w+|@|\*)\}|([A-Za-z_]\w*|[0-9@*]))`)

// splitWords splits a text as a shell does, with $0 and what follows in args; or, without args, as `env -S`. It is
// no plain list of words where a shell does more with it: several commands, substitutions.
func splitWords(text string, env map[string]string, args []string) (words []string, plain bool) {
	var word strings.Builder
	shell, open, unsure, quote := args != nil, false, false, byte(0)
	end := func() {
		if open {
			words = append(words, map[bool]string{true: unknowable}[unsure]+word.String())
		}
		word.Reset()
		open, unsure = false, false
	}
	fill := func(value string) {
		fields := strings.Fields(value)
		if quote != 0 || !shell {
			fields = []string{value}
		}
		for i, field := range fields {
			if i > 0 {
				end()
			}
			word.WriteString(field)
			open = true
		}
	}
	for i := 0; i < len(text); i++ {
		c, rest := text[i], text[i+1:]
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || !shell && strings.IndexByte("\n\v\f\r", c) >= 0):
			end()
		case quote == 0 && c == '#' && !open:
			return words, true
		case shell && quote == 0 && strings.HasPrefix(text[i:], `"$@"`):
			for _, arg := range args[1:] {
				word.WriteString(arg)
				open = true
				end()
			}
			i += 3
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
			word.WriteByte(c)
		case c == '\\' && rest != "" && (!shell || quote == 0 || strings.IndexByte("$`\"\\", rest[0]) >= 0):
			i, open = i+1, true
			word.WriteByte(map[bool]byte{true: ' ', false: rest[0]}[!shell && rest[0] == '_'])
		case c == '$' && (shell || strings.HasPrefix(rest, "{")):
			p := parameter.FindStringSubmatch(text[i:])
			if p == nil {
				if strings.HasPrefix(rest, "(") {
					return nil, false
				}
				word.WriteByte(c)
				open, unsure = true, shell
				break
			}
			i += len(p[0]) - 1
			name := p[1] + p[2]
			value, known := env[name]
			switch {
			case known:
			case name == "@" || name == "*":
				value = strings.Join(args[min(1, len(args)):], " ")
			case shell && len(name) == 1 && name[0] >= '0' && name[0] <= '9':
				if n := int(name[0] - '0'); n < len(args) {
					value = args[n]
				}
			case atStart[name]:
				value, unsure = p[0], true
			}
			fill(value)
		case shell && quote == 0 && c == '~' && !open && env["HOME"] != "" && (rest == "" || strings.IndexByte("/ \t", rest[0]) >= 0):
			word.WriteString(env["HOME"])
			open = true
		case shell && (c == '`' || quote == 0 && strings.IndexByte("|&;<>()\n", c) >= 0):
			return nil, false
		default:
			if shell && quote == 0 && (c == '*' || c == '?' || c == '~' && !open || c == '{' && braces.MatchString(rest)) {
				unsure = true
			}
			word.WriteByte(c)
			open = true
		}
	}
	end()
	return words, quote == 0
}

var braces = regexp.MustCompile(`^[^}\s"']*,[^}\s"']*\}`)

// unsplit pays for what a text becomes by its variables.
func (x *examination) unsplit(ctx context.Context, text string, env map[string]string, args []string) error {
	longest := len(strings.Join(args, " "))
	for _, value := range env {
		longest = max(longest, len(value))
	}
	return x.files.limits(ctx).Keep(int64(8 * strings.Count(text, "$") * longest)) // quoted, in the evidence
}

var assignment = regexp.MustCompile(`^(\w+)=(.*)$`)

// plainCommand gives the words of a command line that is one program with its arguments; none where
// it is more than that, or where only the shell knows what the program is.
func plainCommand(text string, given map[string]string, args ...string) (words []string, env map[string]string) {
	env = maps.Clone(given)
	words, plain := splitWords(text, given, append(args, "")[:max(1, len(args))])
	if !plain {
		return nil, env
	}
	for len(words) > 0 {
		if a := assignment.FindStringSubmatch(words[0]); a != nil {
			env[a[1]] = a[2]
		} else if words[0] != "exec" || len(words) > 1 && strings.HasPrefix(words[1], "-") {
			break
		}
		words = words[1:]
	}
	if len(words) == 0 || strings.HasPrefix(words[0], unknowable) || words[0] == "exec" {
		return nil, env
	}
	return words, env
}

// listQuotes are what people take for the quotes of JSON.
const listQuotes = "\"'“”„‟«»‘’‚"

var (
	testCommand = regexp.MustCompile(`\]\s*(?:&&|\|\||;|\n)`)
	listBegins  = regexp.MustCompile(`^\[(?:[^\s\[]|\s*[` + listQuotes + `/$])|^\{?[` + listQuotes + `][^` + listQuotes + `]*[` + listQuotes + `],`)
	listWord    = regexp.MustCompile(`[` + listQuotes + `]([^` + listQuotes + `]*)[` + listQuotes + `]|[^\s,\[\]{}]+`)
)

// brokenList tells a list that was meant for the exec form from the shell's test, behind which a command stands.
func brokenList(text string) bool {
	text = strings.TrimSpace(text)
	return listBegins.MatchString(text) && !testCommand.MatchString(text)
}

// maxFixed is how long a command may be for which a fix is looked for: bytes.
const maxFixed = 64 << 10

// listWords are the words of a list that is no JSON; none where they cannot be told.
func listWords(text string, env map[string]string) (words []string) {
	left := maxFixed
	for _, m := range listWord.FindAllStringSubmatch(text, -1) {
		word := m[0]
		if strings.ContainsRune(listQuotes, []rune(word)[0]) {
			word = m[1]
		}
		if p := parameter.FindStringSubmatch(word); p != nil && p[0] == word {
			word = env[p[1]+p[2]]
		}
		if left -= len(word); left < 0 {
			return nil
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return words
}

// quoteList writes a command as the exec form wants it, where that is simple
// enough to be sure: no operators or variables of a shell.
func quoteList(command string) string {
	words, plain := splitWords(command, nil, []string{""})
	if !plain || len(words) == 0 || strings.Contains(command, "$") || strings.ContainsAny(words[0], "=") ||
		slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, unknowable) }) {
		return ""
	}
	return execForm(words...)
}

// shown are words for the evidence.
func shown(words []string) string { return strings.ReplaceAll(fmt.Sprintf("%q", words), `"\x00`, `"`) }
