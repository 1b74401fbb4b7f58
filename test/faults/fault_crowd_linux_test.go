package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
)

// crowd has runs go on at once in one engine, warm ones, and ones that compile the
// same new app: all are as expected, and none removes another's things.
func crowd(t *testing.T, g guest.Guest) {
	runs, kinds := 4, []bool{false}
	if Wanted() {
		runs, kinds = 8, []bool{false, true}
	}
	before := things(t, g)
	total, asExpected := 0, 0
	for _, cold := range kinds {
		args, tries := []string{"run", "all", "--json"}, 7
		if cold {
			args, tries = []string{"run", "4", "5", "--json", "--steps", anotherApp(t)}, 2
		}
		commands, outs, errs := make([]*exec.Cmd, runs), make([]bytes.Buffer, runs), make([]bytes.Buffer, runs)
		for i := range runs {
			commands[i] = g.Program(t, args...)
			commands[i].Stdout, commands[i].Stderr = &outs[i], &errs[i]
			require.NoError(t, commands[i].Start())
		}
		for i, command := range commands {
			command.Wait()
			total++
			var doc record.Run
			if assert.NoError(t, json.Unmarshal(outs[i].Bytes(), &doc), "%s", &errs[i]) &&
				assert.Equal(t, run.AsExpected, doc.Verdict, "cold: %v, %s %v", cold, doc.Reason, tool.Reasons(doc)) &&
				assert.Len(t, doc.Steps, tries) && assert.Zero(t, command.ProcessState.ExitCode()) {
				asExpected++
			}
		}
		require.Equal(t, before, things(t, g))
	}
	Row(t, fmt.Sprintf("%d runs at once", runs), "%d runs warm, %d compiling, %d as expected; left over 0", runs, total-runs, asExpected)
}
