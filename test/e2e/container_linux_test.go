package e2e

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/test/corpus"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// A container that died is examined with its own options, beside what the engine recorded; nothing is left behind.
func TestTheDoctorExaminesAContainer(t *testing.T) {
	engines.Engine(t)
	script := corpus.Spec{Entrypoint: []string{"/app"}, Files: map[string]corpus.File{"/app": {Mode: 0o755, Data: []byte("#!/nowhere\n")}}}
	for _, c := range []engines.Client{engines.OwnDaemon(t).Client, engines.Docker29(t).Client, engines.Podman(t)} {
		t.Run(c.Name, func(t *testing.T) {
			c.LoadFrom(t, func(w io.Writer) error { return corpus.Save(w, map[string]corpus.Spec{"died:1": script}, nil) })
			c.Command(c.Program, "run", "--detach", "--network=none", "--name=died", "died:1").Run()
			c.Command(c.Program, "run", "--detach", "--network=none", "--name=refused", "--entrypoint=/none", "died:1").Run()
			list := func() string { return c.Docker(t, "ps", "--all", "--no-trunc", "--format={{.ID}} {{.Names}}") }
			before := list()
			for name, says := range map[string][]string{
				"died":    {"missing-interpreter", "/nowhere", "status: exited", "exec /app: no such file or directory"},
				"refused": {"missing-entrypoint", "/none is not there", "status: created"},
			} {
				out, _ := c.Command(tool.Path(t), "doctor", "--container", name).CombinedOutput()
				for _, words := range says {
					assert.Contains(t, string(out), words)
				}
			}
			command := c.Command(tool.Path(t), "doctor", "--container", "nobody")
			out, _ := command.CombinedOutput()
			assert.Equal(t, tool.Environment, command.ProcessState.ExitCode())
			assert.Contains(t, string(out), "lists those that are there")
			assert.Equal(t, before, list(), "left behind, or taken away")
		})
	}
}
