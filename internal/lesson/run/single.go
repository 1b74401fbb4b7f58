package run

import (
	"context"

	"optimizing-dockerfile/internal/engine"
)

// Single builds and starts one Dockerfile that is no step of the lesson. There is
// no expectation to hold it against: the verdict is Environment, with reasons, or
// empty. An error is the context's alone.
func (t *Trial) Single(ctx context.Context, request engine.BuildRequest) (Outcome, error) {
	defer t.files.Close()
	j := &job{request: request, outcome: Outcome{
		Dockerfile: request.Dockerfile,
		Commands:   [][]string{append([]string{t.Engine.Name}, t.Engine.BuildCommand(request)...)},
	}}
	failure := t.build(ctx, j)
	if failure == nil && j.outcome.Image != nil {
		failure = t.start(ctx, j)
	}
	if ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	if failure != nil {
		j.outcome.Outcome, j.outcome.Verdict, j.outcome.Reasons = "", Environment, []string{oneLine(failure)}
	}
	return j.outcome, nil
}
