package corpus

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/dockerfile"
)

// Each advice is given where it is due, and is gone once it was followed.
func TestAdvice(t *testing.T) {
	all(t)
	shell := accounts()
	shell.put("/bin/sh", File{Data: tiny{}.bytes()})
	for _, c := range []struct {
		id          string
		base        Spec
		due, heeded func(*Spec)
	}{
		{"runs-as-root", static(), user(""), user("12345:12345")},
		{"named-user", accounts(), user("echo:echo"), user("12345:12345")},
		{"accounts-writable", accounts(),
			func(s *Spec) { s.put("/etc/passwd", File{Mode: 0o644, UID: 12345, Data: []byte(passwd)}) },
			func(s *Spec) { s.put("/etc/passwd", File{Mode: 0o644, Data: []byte(passwd)}) }},
		{"shell-form-signals", shell, entrypoint("/bin/sh", "-c", "/app"), entrypoint("/app")},
		{"shell-form-signals", shell, entrypoint("/bin/sh", "-c", "/app"), entrypoint("/bin/sh", "-c", "exec /app")},
		{"healthcheck-without-program", static(),
			func(s *Spec) { s.Healthcheck = []string{"CMD-SHELL", "wget localhost"} },
			func(s *Spec) { s.Healthcheck = []string{"CMD", "/app", "-check"} }},
		{"no-ca-certificates", static(), nil, func(s *Spec) { s.put("/etc/ssl/certs/ca-certificates.crt", File{Mode: 0o644}) }},
		{"no-time-zones", static(), nil, func(s *Spec) { s.put("/usr/share/zoneinfo/UTC", File{Mode: 0o644}) }},
		{"setuid-files", static(), func(s *Spec) { s.put("/su", File{Mode: 0o4755}) }, func(s *Spec) { s.put("/su", File{Mode: 0o755}) }},
	} {
		given := func(change func(*Spec)) bool {
			s := c.base.with()
			if change != nil {
				change(&s)
			}
			for _, a := range diagnose(t, s).Advice {
				if a.ID == c.id {
					assert.NotEmpty(t, a.Fix)
					return true
				}
			}
			return false
		}
		assert.True(t, given(c.due), "%s is not given", c.id)
		assert.False(t, given(c.heeded), "%s is still given", c.id)
	}
}

// No advice, followed, stops an image that starts.
func TestFollowedAdviceStopsNothing(t *testing.T) {
	line, followed := regexp.MustCompile("`((?:USER|ENTRYPOINT|CMD) [^`]+)`"), 0
	for _, c := range all(t) {
		if c.Cause != "" {
			continue
		}
		d := diagnose(t, c.Image)
		for _, a := range d.Advice {
			for _, m := range line.FindAllStringSubmatch(a.Fix, -1) {
				s := c.Image.with()
				require.NoError(t, c.apply(&s, d, dockerfile.Parse(m[1]).Instructions[0]))
				after := diagnose(t, s)
				assert.True(t, after.Starts != nil && *after.Starts, "%s, after %s: %s", c.Name, m[1], after.Summary)
				followed++
			}
		}
	}
	assert.NotZero(t, followed)
}

// The order of the causes is a contract: the first that fits is named.
func TestPrecedence(t *testing.T) {
	s := static()
	s.User, s.WorkingDir, s.Entrypoint = "ghost:none", "/app", []string{"/bin/sh", "-c", "x"}
	s.put("/etc/passwd", File{Mode: 0o644, Data: []byte("root:x:0:0::/:\n")})
	var seen []string
	for _, heal := range []func(*Spec){nil, user("root:none"), user("root:0"), func(s *Spec) { s.WorkingDir = "" }, entrypoint("/app/x")} {
		if heal != nil {
			heal(&s)
		}
		seen = append(seen, string(diagnose(t, s).Cause))
	}
	assert.True(t, slices.Equal([]string{"unknown-user", "unknown-group", "workdir-unusable", "missing-shell", "not-a-directory"}, seen), seen)
}
