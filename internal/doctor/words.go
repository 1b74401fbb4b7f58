package doctor

import (
	"cmp"
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
	listBegins  = regexp.MustCompile(`^\[(?:[^\s\[]|\s*[` + listQuotes + `/$])|^\{?[` + listQuotes + `][^` + listQuotes + `]*[` +
		listQuotes + `],`)
	listWord = regexp.MustCompile(`[` + listQuotes + `]([^` + listQuotes + `]*)[` + listQuotes + `]|[^\s,\[\]{}]+`)
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

// environment is the process's environment, as far as it is known: PATH, which
// the daemon sets (moby's CreateDaemonEnvironment), and the image's Env on top.
// A later entry replaces an earlier one; one without "=" takes the name away.
func environment(entries []string) map[string]string {
	env := map[string]string{"PATH": defaultPath}
	for _, entry := range entries {
		name, value, set := strings.Cut(entry, "=")
		if set {
			env[name] = value
		} else {
			delete(env, name)
		}
	}
	return env
}

// sets reports whether the image's Env has a name.
func sets(entries []string, name string) bool {
	for _, entry := range entries {
		if n, _, _ := strings.Cut(entry, "="); n == name {
			return true
		}
	}
	return false
}

// byEnv follows env to its program. splits: it knows -S.
func (x *examination) byEnv(ctx context.Context, p process, splits bool) (*finding, error) {
	if err := x.unsplit(ctx, strings.Join(p.argv, " "), p.env, nil); err != nil {
		return nil, err
	}
	words, split := envSplit(p.argv[1:], p.env)
	if split && !splits {
		f := x.notThere(ctx, p, &lookupError{kind: lacking, path: p.name, at: p.at.Path, link: "-S"})
		f.facts.Words = x.oneWord(ctx, process{name: strings.Join(words[:len(words)-max(0, len(p.argv)-2)], " "), env: p.env})
		if f.cause == MissingEntrypoint {
			f.cause = MissingInterpreter
			f.facts.Lacks, f.facts.Target = "-S", p.name
		}
		return f, nil
	}
	words, env, ok := envCommand(words, p.env)
	if !ok || len(words) == 0 {
		if len(words) > 0 {
			x.unexamined = "what env starts"
			options, _ := wrapper{short: "C", long: " chdir "}.options(words)
			return x.folderOf(ctx, p, cmp.Or(options["C"], options["chdir"])), nil
		}
		return nil, nil // env itself has started, and what it does then is its own affair
	}
	return x.next(ctx, p, words, env)
}

// envSplit splits what -S, the first of env's words, says.
func envSplit(words []string, env map[string]string) (all []string, split bool) {
	prefix := asksSplit(words)
	if prefix == "" {
		return words, false
	}
	text, rest := words[0][len(prefix):], words[1:]
	if text == "" && len(rest) > 0 { // in a word of its own
		text, rest = rest[0], rest[1:]
	}
	if prefix == "-iS" {
		all = []string{"-i"}
	}
	words, _ = splitWords(text, env, nil)
	return slices.Concat(all, words, rest), true
}

// asksSplit is the option by which env is asked to split, the first of its words; empty: it is not.
func asksSplit(words []string) string {
	for _, prefix := range []string{"--split-string=", "--split-string", "-S", "-vS", "-iS"} {
		if len(words) > 0 && strings.HasPrefix(words[0], prefix) {
			return prefix
		}
	}
	return ""
}

// envCommand takes env's options and assignments off its words, and gives the program that it
// starts and its environment; ok is false where env would not search for a program.
func envCommand(words []string, given map[string]string) (rest []string, env map[string]string, ok bool) {
	env = maps.Clone(given)
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "":
			return nil, env, false
		case word == "--":
			return words[i+1:], env, i+1 < len(words)
		case word == "-" || word == "-i" || word == "--ignore-environment":
			clear(env)
		case word == "-u" || word == "--unset" || word == "-a" || word == "--argv0":
			if i++; i < len(words) && word != "-a" && word != "--argv0" {
				delete(env, words[i])
			}
		case strings.HasPrefix(word, "--unset="):
			delete(env, strings.TrimPrefix(word, "--unset="))
		case strings.HasPrefix(word, "-u"):
			delete(env, word[2:])
		case word == "-v" || word == "--debug":
		case strings.HasPrefix(word, "-"):
			return words[i:], env, false // another folder, or an option that is not known here
		case strings.Contains(word, "="):
			k, v, _ := strings.Cut(word, "=")
			env[k] = v
		default:
			return words[i:], env, true
		}
	}
	return nil, env, false
}
