package main

import (
	"context"
	"errors"
	"path"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/screen"
)

// examineContainer examines a container that somebody made, beside what the engine recorded of its end.
func examineContainer(ctx context.Context, name string, start doctor.Start, say screen.Reporter) (d *doctor.Diagnosis, err error) {
	e, err := find(ctx, say)
	if err != nil {
		return nil, err
	}
	img, it, err := source.FromContainer(ctx, e, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	made := it.HostConfig
	start.CapAdd, start.CapDrop, start.Privileged, start.Init = made.CapAdd, made.CapDrop, made.Privileged, made.Init
	start.Mounts = mountsOf(e, it)
	if d, err = doctor.Examine(ctx, img, run.MachineOf(e), start); err != nil {
		return nil, err
	}
	d.Ended = &doctor.Ended{Status: it.State.Status, ExitCode: it.State.ExitCode, Error: it.State.Error, OOMKilled: it.State.OOMKilled}
	if log, err := e.Logs(ctx, it.ID); err == nil { // some drivers keep none
		d.Ended.LastLine = screen.Last(log, 1)
	}
	return d, ctx.Err()
}

// mountsOf are the places where a container has something that cannot be looked into: docker's `cp` shows volumes.
func mountsOf(e *engine.Engine, it engine.Container) map[string]bool {
	all := map[string]bool{}
	for _, m := range it.Mounts {
		if e.Name == "podman" || m.Type == "tmpfs" {
			all[path.Clean(m.Destination)] = m.Type == "tmpfs"
		}
	}
	for at := range it.HostConfig.Tmpfs {
		all[path.Clean(at)] = true
	}
	return all
}
