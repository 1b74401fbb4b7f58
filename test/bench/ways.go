package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell/page"
)

// looker looks at a container after its start, which may have been refused.
type looker func(ctx context.Context, e *engine.Engine, name, outcome string, started error) error

// ByHand does what a reader types: for every Dockerfile `docker build`, then
// `docker run`, and, where it runs, one request. It returns the seconds.
func (c Course) ByHand(ctx context.Context, e *engine.Engine, image string) (float64, error) {
	return c.each(ctx, e, image, 1, untilSeen)
}

// Bare does the same builds, starts and removals, as many at once as there are
// processors, and looks at nothing: the least that all steps can take with the
// engine's own commands. It returns the seconds.
func (c Course) Bare(ctx context.Context, e *engine.Engine, image string) (float64, error) {
	return c.each(ctx, e, image, max(1, e.LogicalCPUs), unseen)
}

// each builds, starts and removes the image of every Dockerfile.
func (c Course) each(ctx context.Context, e *engine.Engine, image string, atOnce int, look looker) (float64, error) {
	began := time.Now()
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	number := 0
	for _, step := range c.Steps {
		for _, try := range step.Tries {
			number++
			name := fmt.Sprintf("by-hand-%d", number)
			work.Go(func() error {
				request := engine.BuildRequest{
					Dir: step.Dir, Dockerfile: filepath.Join(step.Dir, try.Dockerfile), Tag: engine.Repository + ":" + name,
					Args: []string{"GO_IMAGE=" + image},
				}
				if err := e.Run(ctx, nil, nil, nil, e.BuildCommand(request)...); err != nil {
					return fmt.Errorf("by hand, %s: %w", step.Name, err)
				}
				container := fmt.Sprintf("%s-%s-%d", engine.Repository, name, os.Getpid())
				defer e.Remove(context.WithoutCancel(ctx), container)
				if err := look(ctx, e, container, try.Expect.Outcome, start(ctx, e, container, request.Tag)); err != nil {
					return fmt.Errorf("by hand, %s: %w", step.Name, err)
				}
				return nil
			})
		}
	}
	err := work.Wait()
	return time.Since(began).Seconds(), err
}

// start runs an image as the article does, but in the background.
func start(ctx context.Context, e *engine.Engine, name, image string) error {
	words := append([]string{"run", "--detach", "--name", name}, engine.Ours()...)
	_, err := e.Output(ctx, append(words, "--pull=never", "--publish", "127.0.0.1::8080", image)...)
	return err
}

// unseen lets a start pass, and one that was refused of an image that is to fail.
func unseen(_ context.Context, _ *engine.Engine, _, outcome string, started error) error {
	var failed *engine.Failed
	if errors.As(started, &failed) && outcome == table.Fails {
		return nil
	}
	return started
}

// untilSeen waits until a container has answered once, or ended where it is to fail.
func untilSeen(ctx context.Context, e *engine.Engine, name, outcome string, started error) error {
	if started != nil {
		return unseen(ctx, e, name, outcome, started)
	}
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

// runTool runs all steps in dir and must find all as expected.
func runTool(ctx context.Context, program, dir string) (seconds, cpu float64, err error) {
	seconds, cpu, err = run(ctx, program, "run", "all", "--steps", dir)
	if err != nil {
		err = fmt.Errorf("the tool's own run was not as expected: %w", err)
	}
	return seconds, cpu, err
}

// run runs the tool and says how long it took, and how much of that the tool's own
// process was at work.
func run(ctx context.Context, program string, args ...string) (seconds, cpu float64, err error) {
	command := exec.CommandContext(ctx, program, args...)
	var words bytes.Buffer
	command.Stdout, command.Stderr = &words, &words
	began := time.Now()
	if err := command.Start(); err != nil {
		return 0, 0, err
	}
	ended, last := make(chan struct{}), make(chan float64)
	go func() {
		at := 0.0
		for {
			select {
			case <-ended:
				last <- at
				return
			case <-time.After(50 * time.Millisecond):
				at = max(at, ownCPU(command.Process.Pid))
			}
		}
	}()
	err = command.Wait()
	seconds = time.Since(began).Seconds()
	if err != nil {
		err = fmt.Errorf("%w; it said:\n%s", err, words.String())
	}
	close(ended)
	return seconds, <-last, err
}

// ownCPU gives the seconds that a process has used, without the programs that it
// ran; 0 where there is no /proc. (What Wait tells counts those too.)
func ownCPU(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100 // ticks of the kernel's clock, as /proc counts them
}

// timeDoctor measures diagnoses, as the verb doctor makes them: of the largest
// image against a `docker save` of it, the floor of every tool that reads an image
// whole; of a small one against the commands that fetch two files by hand.
func timeDoctor(ctx context.Context, program string, e *engine.Engine, steps []table.Step, kept *page.Bench) error {
	if _, _, err := run(ctx, program, "run", "1", "3"); err != nil {
		return err
	}
	large, small := engine.Repository+":"+steps[0].Name, engine.Repository+":"+steps[2].Name
	if len(kept.Doctor) == 0 {
		kept.Doctor = []page.DoctorRow{
			{Image: steps[0].Name, Other: e.Name + " save"},
			{Image: steps[2].Name, Other: e.Name + " create, twice cp, rm"},
		}
	}
	typed := []func() error{
		func() error { return e.Run(ctx, nil, io.Discard, nil, "save", large) },
		func() error {
			id, err := e.Output(ctx, append(append([]string{"create", "--pull=never"}, engine.Ours()...), small)...)
			if err != nil {
				return err
			}
			for range 2 {
				err = errors.Join(err, e.Run(ctx, nil, io.Discard, nil, "cp", id+":"+table.Binary, "-"))
			}
			return errors.Join(err, e.Remove(ctx, id))
		},
	}
	for i, name := range []string{large, small} {
		row := &kept.Doctor[i]
		seconds, _, err := run(ctx, program, "doctor", "--json", name)
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
			return err
		}
		row.Doctor = append(row.Doctor, seconds)
		began := time.Now()
		if err := typed[i](); err != nil {
			return err
		}
		row.Typed = append(row.Typed, time.Since(began).Seconds())
	}
	return nil
}
