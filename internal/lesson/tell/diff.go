package tell

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/aymanbagabas/go-udiff/myers"

	"optimizing-dockerfile/internal/lesson/table"
)

// Diff gives the lines by which a step's Dockerfile differs from that of the
// step that it changes, each begun by "+ ", "- " or, for what stays, "  ". The first step's
// are all new. Comments, and the ARG that stands for the base, are left out.
func Diff(steps []table.Step, step table.Step, dockerfile string) ([]string, error) {
	now, err := instructions(filepath.Join(step.Dir, dockerfile))
	if err != nil {
		return nil, err
	}
	var before string
	if previous, ok := table.Before(steps, step); ok {
		if before, err = instructions(filepath.Join(previous.Dir, previous.Main().Dockerfile)); err != nil {
			return nil, err
		}
	}
	return differ(before, now)
}

// diffFiles is Diff for any two Dockerfiles.
func diffFiles(before, now string) ([]string, error) {
	was, err := instructions(before)
	if err != nil {
		return nil, err
	}
	is, err := instructions(now)
	if err != nil {
		return nil, err
	}
	return differ(was, is)
}

func differ(before, now string) ([]string, error) {
	if before == now {
		return context(now), nil
	}
	whole := strings.Count(before+now, "\n") // so much context that nothing is left out
	//lint:ignore SA1019 the newer algorithm lets another line seem moved than the one that was
	edits := myers.ComputeEdits(before, now)
	unified, err := udiff.ToUnified("before", "now", before, edits, whole)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, line := range strings.Split(strings.TrimSuffix(unified, "\n"), "\n")[3:] { // after ---, +++ and @@
		lines = append(lines, strings.TrimRight(line[:1]+" "+line[1:], " "))
	}
	return lines, nil
}

func context(text string) []string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, strings.TrimRight("  "+line, " "))
	}
	return lines
}

// Changes keeps the lines of a diff that are new or gone.
func Changes(diff []string) []string {
	var changed []string
	for _, line := range diff {
		if len(line) > 2 && line[0] != ' ' {
			changed = append(changed, line)
		}
	}
	return changed
}

func instructions(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var kept []string
	for _, line := range strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "ARG GO_IMAGE") {
			continue
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n"), nil
}
