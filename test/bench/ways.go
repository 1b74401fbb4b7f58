package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
)

// Typed does what a reader types: for every Dockerfile `docker build`, then `docker run`, and, if it is to be seen, one
// request where it runs; so many at once. Unseen, and as many at once as there are processors, it is the least that all
// steps can take with the engine's own commands.
func (c Course) Typed(ctx context.Context, e *engine.Engine, image string, atOnce int, seen bool) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	number := 0
	for _, step := range c.Steps {
		for _, try := range step.Tries {
			number++
			name := fmt.Sprintf("by-hand-%d", number)
			work.Go(func() error {
				if err := typed(ctx, e, step, try, image, name, seen); err != nil {
					return fmt.Errorf("%s: %w", step.Name, err)
				}
				return nil
			})
		}
	}
	return work.Wait()
}

// typed builds and starts the image of one Dockerfile as the article does, but in the background.
func typed(ctx context.Context, e *engine.Engine, step table.Step, try table.Try, image, name string, seen bool) error {
	request := engine.BuildRequest{
		Dir: step.Dir, Dockerfile: filepath.Join(step.Dir, try.Dockerfile), Tag: engine.Repository + ":" + name,
		Args: []string{"GO_IMAGE=" + image},
	}
	if err := e.Run(ctx, nil, nil, nil, e.BuildCommand(request)...); err != nil {
		return err
	}
	container := fmt.Sprintf("%s-%s-%d", engine.Repository, name, os.Getpid())
	defer e.Remove(context.WithoutCancel(ctx), container)
	words := append([]string{"run", "--detach", "--name", container}, engine.Ours()...)
	_, err := e.Output(ctx, append(words, "--pull=never", "--publish", "127.0.0.1::8080", request.Tag)...)
	var refused *engine.Failed
	switch {
	case errors.As(err, &refused) && try.Expect.Outcome == table.Fails:
		return nil
	case err != nil || !seen:
		return err
	}
	return untilSeen(ctx, e, container, try.Expect.Outcome)
}

// untilSeen waits until a container has answered once, or ended where it is to fail.
func untilSeen(ctx context.Context, e *engine.Engine, name, outcome string) error {
	for deadline := time.Now().Add(time.Minute); ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		container, err := e.Inspect(ctx, name)
		switch {
		case err != nil:
			return err
		case container.State.Status != "running" && outcome == table.Fails:
			return nil
		case container.State.Status != "running":
			return fmt.Errorf("%s has ended", name)
		case answers(container.Host()):
			return nil
		case time.Now().After(deadline):
			return errors.New("no answer within a minute; is the engine on this machine?")
		}
	}
	return ctx.Err()
}

func answers(host string) bool {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + host + "/?message=hello")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Course is a copy of the steps whose program no build has seen before.
type Course struct {
	Dir   string
	Steps []table.Step
}

// Fresh copies the folder of steps into dir; ignore keeps their .dockerignore, which the
// article has none of.
func Fresh(folder, dir string, ignore bool) (c Course, err error) {
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		return c, err
	}
	if c.Steps, err = table.Load(dir); err != nil {
		return c, err
	}
	change := "\n// " + rand.Text() + "\n"
	for _, step := range c.Steps {
		if !ignore {
			if err := os.Remove(filepath.Join(step.Dir, ".dockerignore")); err != nil {
				return c, err
			}
		}
		main := filepath.Join(step.Dir, "main.go")
		text, err := os.ReadFile(main)
		if err != nil {
			return c, err
		}
		if err := os.WriteFile(main, append(text, change...), 0o644); err != nil {
			return c, err
		}
	}
	c.Dir = dir
	return c, nil
}

// run runs the tool; an error has its words.
func run(ctx context.Context, program string, args ...string) error {
	words, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w; it said:\n%s", err, words)
	}
	return err
}

// timeDoctor measures diagnoses, as the verb doctor makes them: of the largest
// image against a `docker save` of it, the floor of every tool that reads an image
// whole; of a small one against the commands that fetch two files by hand.
func timeDoctor(ctx context.Context, program string, e *engine.Engine, steps []table.Step, kept *Record) error {
	if err := run(ctx, program, "run", "1", "3"); err != nil {
		return err
	}
	if len(kept.Doctor) == 0 {
		kept.Doctor = []DoctorRow{
			{Image: steps[0].Name, Other: e.Name + " save"},
			{Image: steps[2].Name, Other: e.Name + " create, twice cp, rm"},
		}
	}
	for i, other := range []func(image string) error{
		func(image string) error { return e.Run(ctx, nil, io.Discard, nil, "save", image) },
		func(image string) error {
			id, err := e.Output(ctx, append(append([]string{"create", "--pull=never"}, engine.Ours()...), image)...)
			if err != nil {
				return err
			}
			for range 2 {
				err = errors.Join(err, e.Run(ctx, nil, io.Discard, nil, "cp", id+":"+table.Binary, "-"))
			}
			return errors.Join(err, e.Remove(ctx, id))
		},
	} {
		row := &kept.Doctor[i]
		image := engine.Repository + ":" + row.Image
		err := timed(&row.Doctor, func() error { return run(ctx, program, "doctor", "--json", image) })
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
			return err
		}
		if err := timed(&row.Typed, func() error { return other(image) }); err != nil {
			return err
		}
	}
	return nil
}
