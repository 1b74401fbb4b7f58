package doctor

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
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
	put := func(text string) {
		word.WriteString(text)
		open = true
	}
	end := func() {
		switch {
		case open && unsure:
			words = append(words, unknowable+word.String())
		case open:
			words = append(words, word.String())
		}
		word.Reset()
		open, unsure = false, false
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
				put(arg)
				end()
			}
			i += 3
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
			put(text[i : i+1])
		case c == '\\' && rest != "" && (!shell || quote == 0 || strings.IndexByte("$`\"\\", rest[0]) >= 0):
			if i++; !shell && rest[0] == '_' {
				put(" ")
			} else {
				put(rest[:1])
			}
		case shell && strings.HasPrefix(text[i:], "$("):
			return nil, false
		case c == '$' && (shell || strings.HasPrefix(rest, "{")):
			p := parameter.FindStringSubmatch(text[i:])
			if p == nil {
				put("$")
				unsure = shell
				break
			}
			i += len(p[0]) - 1
			value, sure := valueOf(p[1]+p[2], env, args)
			if !sure {
				value, unsure = p[0], true
			}
			fields := []string{value}
			if shell && quote == 0 {
				fields = strings.Fields(value)
			}
			for i, field := range fields {
				if i > 0 {
					end()
				}
				put(field)
			}
		case shell && quote == 0 && c == '~' && !open && env["HOME"] != "" && (rest == "" || strings.IndexByte("/ \t", rest[0]) >= 0):
			put(env["HOME"])
		case shell && (c == '`' || quote == 0 && strings.IndexByte("|&;<>()\n", c) >= 0):
			return nil, false
		default:
			unsure = unsure || shell && quote == 0 &&
				(c == '*' || c == '?' || c == '~' && !open || c == '{' && braces.MatchString(rest))
			put(text[i : i+1])
		}
	}
	end()
	return words, quote == 0
}

// valueOf is what a parameter stands for; sure is false where only the shell, when it runs, knows that.
func valueOf(name string, env map[string]string, args []string) (value string, sure bool) {
	value, known := env[name]
	n, err := strconv.Atoi(name)
	switch {
	case known:
	case name == "@" || name == "*":
		return strings.Join(args[min(1, len(args)):], " "), true
	case err == nil && n < len(args):
		return args[n], true
	}
	return value, known || !atStart[name]
}

var braces = regexp.MustCompile(`^[^}\s"']*,[^}\s"']*\}`)

// unsplit pays for what a text becomes by its variables.
func (x *examination) unsplit(text string, env map[string]string, args []string) error {
	longest := len(strings.Join(args, " "))
	for _, value := range env {
		longest = max(longest, len(value))
	}
	return x.files.Keep(int64(8 * strings.Count(text, "$") * longest)) // quoted, in the evidence
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
	listWord = regexp.MustCompile(`[` + listQuotes + `]([^` + listQuotes + `]*)[` + listQuotes + `]|([^\s,\[\]{}` + listQuotes + `]+)`)
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
		word := m[1] + m[2]
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
	return slices.ContainsFunc(entries, func(e string) bool { return e == name || strings.HasPrefix(e, name+"=") })
}

// byEnv follows env to its program. splits: it knows -S.
func (x *examination) byEnv(ctx context.Context, p process, splits bool) error {
	if err := x.unsplit(strings.Join(p.argv, " "), p.env, nil); err != nil {
		return err
	}
	if len(p.argv) > 1 && !splits && asksSplit.MatchString(p.argv[1]) {
		meant, _ := splitWords(asksSplit.ReplaceAllString(p.argv[1], ""), p.env, nil)
		f := x.notThere(ctx, p, &lookupError{kind: lacking, at: p.at.Path, link: "-S"}).(*finding)
		f.facts.Words = x.oneWord(ctx, process{name: strings.Join(meant, " "), env: p.env})
		if f.cause == MissingEntrypoint {
			f.cause = MissingInterpreter
		}
		return f
	}
	words, env := envCommand(p.argv[1:], p.env)
	switch {
	case len(words) == 0: // env itself has started, and what it does then is its own affair
		return nil
	case strings.HasPrefix(words[0], "-"): // another folder, or an option that is not known here
		x.unexamined = "what env starts"
		options, _ := wrapper{short: "C", long: " chdir "}.options(words)
		return x.folderOf(ctx, p, cmp.Or(options["C"], options["chdir"]))
	}
	return x.next(ctx, p, words, env)
}

// asksSplit begins a word that env is to split into its own; envTakes is an option of env's with a value, or
// without one where that is the next word.
var (
	asksSplit = regexp.MustCompile(`^(?:-[iv]?S|--split-string=?)`)
	envTakes  = regexp.MustCompile(`^(?:-([ua])|--(unset|argv0)(?:=|$))(.*)`)
)

// envCommand takes env's options and assignments off its words, and gives the program that it starts and its
// environment; or what begins with an option that is not known here, or nothing.
func envCommand(words []string, given map[string]string) (rest []string, env map[string]string) {
	env = maps.Clone(given)
	for first := true; len(words) > 0 && words[0] != ""; first = false {
		word, takes := words[0], envTakes.FindStringSubmatch(words[0])
		name, value, assigns := strings.Cut(word, "=")
		rest = words[1:]
		switch split := asksSplit.FindString(word); {
		case first && split != "": // once: what a variable brings may ask for it again
			text := word[len(split):]
			if text == "" && len(rest) > 0 { // in a word of its own
				text, rest = rest[0], rest[1:]
			}
			if split == "-iS" {
				clear(env)
			}
			more, _ := splitWords(text, given, nil)
			rest = append(more, rest...)
		case takes != nil:
			if value = takes[3]; value == "" && len(rest) > 0 {
				value, rest = rest[0], rest[1:]
			}
			if takes[1]+takes[2] != "a" && takes[2] != "argv0" {
				delete(env, value)
			}
		case word == "--":
			return rest, env
		case word == "-" || word == "-i" || word == "--ignore-environment":
			clear(env)
		case word == "-v" || word == "--debug":
		case !assigns || word[0] == '-':
			return words, env
		default:
			env[name] = value
		}
		words = rest
	}
	return nil, env
}
