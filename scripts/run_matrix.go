package main

import (
	"context"
	"errors"
	"io"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

// runMatrix tries the steps on every base of bases.yaml. A base that cannot be
// had does not keep the others from being tried.
func (o runOptions) runMatrix(ctx context.Context, c course, asked []table.Step, stdout, stderr io.Writer) error {
	catalog, err := loadCatalog(c.repo)
	if err != nil {
		return err
	}
	progress := tell.NewTerminal(stderr)
	var matrix record.Matrix
	for _, wanted := range catalog.All() {
		progress.Heading(wanted.Image)
		doc, _, failure := o.runOn(ctx, c, wanted, asked, stderr)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if doc.Base == nil { // what is known of it all the same
			doc.Base = &record.Base{Name: wanted.ID, Image: wanted.Image, Go: wanted.Go, Libc: wanted.Libc}
		}
		if failure != nil {
			progress.Heading("error: " + failure.Error())
		}
		matrix.Add(doc)
	}
	if o.json {
		if _, err := stdout.Write(record.Marshal(matrix)); err != nil {
			return err
		}
	} else {
		tell.NewTerminal(stdout).Matrix(asked, matrix)
	}
	if o.record {
		var failures []error
		for _, doc := range matrix.Runs {
			failures = append(failures, o.keepRecord(c, doc, tell.Plain{Writer: stderr}))
		}
		if err := errors.Join(failures...); err != nil {
			return err
		}
	}
	return statusOf(matrix.Verdict)
}
