package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell/page"
)

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
