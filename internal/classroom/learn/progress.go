// Package learn takes a reader through the steps: predict, run, explain, next.
package learn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/program"
)

// Progress is what is kept between two sittings.
type Progress struct {
	Schema int              `json:"schema"`
	Steps  map[string]Score `json:"steps"` // those that are done

	path string
}

// Score is how a step's guesses came out.
type Score struct {
	Right int `json:"right"`
	Asked int `json:"asked"`
}

// ReadProgress reads the learner's file; none is a beginning. One that cannot be
// understood is an error: it is somebody's progress, and not to be overwritten.
func ReadProgress() (*Progress, error) {
	path, err := program.ProgressFile()
	if err != nil {
		return nil, err
	}
	p := &Progress{Schema: 1, Steps: map[string]Score{}, path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(text, p)
	}
	if err != nil || p.Schema != 1 || p.Steps == nil {
		return nil, fmt.Errorf("your progress cannot be read from %s: %v\nRemove that file to begin again.", path, err)
	}
	return p, nil
}

// Next gives the first step that is not done; -1 where all are.
func (p *Progress) Next(steps []table.Step) int {
	return slices.IndexFunc(steps, func(step table.Step) bool {
		_, done := p.Steps[step.Name]
		return !done
	})
}

// Done keeps that a step is done.
func (p *Progress) Done(step string, score Score) error {
	p.Steps[step] = score
	return atomicfile.Write(p.path, record.Marshal(p), filepath.Dir(p.path))
}
