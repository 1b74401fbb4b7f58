package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"
)

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
