package doctor

import "strings"

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
