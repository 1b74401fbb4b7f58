package tell

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/aymanbagabas/go-udiff/myers"

	"optimizing-dockerfile/internal/lesson/table"
)

// Diff gives the lines by which a step's Dockerfile differs from that of the
// step that it changes, or from its own finished one, each begun by "+ ", "- " or, for what stays, "  ". The first step's
// are all new. Comments, and the ARG that stands for the base, are left out.
func Diff(steps []table.Step, step table.Step, dockerfile string) ([]string, error) {
	before := os.DevNull
	if previous, ok := table.Before(steps, step); step.Tries[0].Dockerfile == table.Finished {
		before = filepath.Join(step.Dir, table.Finished)
	} else if ok {
		before = filepath.Join(previous.Dir, previous.Main().Dockerfile)
	}
	was, failed := instructions(before)
	is, err := instructions(filepath.Join(step.Dir, dockerfile))
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	lines := strings.Split(" "+strings.ReplaceAll(strings.TrimSuffix(is, "\n"), "\n", "\n "), "\n") // nothing differs
	if was != is {
		whole := strings.Count(was+is, "\n") // so much context that nothing is left out
		//lint:ignore SA1019 the newer algorithm lets another line seem moved than the one that was
		unified, err := udiff.ToUnified("before", "now", was, myers.ComputeEdits(was, is), whole)
		if err != nil {
			return nil, err
		}
		lines = strings.Split(strings.TrimSuffix(unified, "\n"), "\n")[3:] // after ---, +++ and @@
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line[:1]+" "+line[1:], " ")
	}
	return lines, nil
}

// Changes keeps the lines of a diff that are new or gone.
func Changes(diff []string) []string {
	return slices.DeleteFunc(slices.Clone(diff), func(line string) bool { return len(line) <= 2 || line[0] == ' ' })
}

func instructions(path string) (string, error) {
	text, err := os.ReadFile(path)
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#") || strings.HasPrefix(line, "ARG GO_IMAGE") })
	return strings.Join(lines, "\n"), err
}
