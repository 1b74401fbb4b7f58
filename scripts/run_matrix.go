package main

import (
	"context"
	"errors"
	"io"

	"optimizing-dockerfile/scripts/internal/base"
	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/record"
	"optimizing-dockerfile/scripts/internal/story"
)

// runMatrix tries the steps on every base of bases.yaml. A base that cannot be
// had does not keep the others from being tried.
func (o runOptions) runMatrix(ctx context.Context, c course, asked []lesson.Step, stdout, stderr io.Writer) error {
	bases, err := allBases()
	if err != nil {
		return err
	}
	progress := story.NewTerminal(stderr)
	var matrix record.Matrix
	for _, behind := range bases {
		progress.Heading(behind.Image)
		run, _, failure := o.runOn(ctx, behind, c.all, asked, stderr)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if run.Base == nil { // what is known of it all the same
			run.Base = &record.Base{Name: behind.ID, Image: behind.Image, Go: behind.Go, Libc: behind.Libc}
		}
		if failure != nil {
			progress.Heading("error: " + failure.Error())
		}
		matrix.Add(run)
	}
	if o.json {
		if _, err := stdout.Write(record.Marshal(matrix)); err != nil {
			return err
		}
	} else {
		story.NewTerminal(stdout).Matrix(asked, matrix)
	}
	if o.record {
		var failures []error
		for _, run := range matrix.Runs {
			failures = append(failures, o.keepRecord(c.dir, run))
		}
		if err := errors.Join(failures...); err != nil {
			return err
		}
	}
	return statusOf(matrix.Verdict)
}

// allBases gives the bases of bases.yaml.
func allBases() ([]base.Base, error) {
	catalog, err := loadCatalog()
	if err != nil {
		return nil, err
	}
	return catalog.All(), nil
}
