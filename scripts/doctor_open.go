package main

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// whence says where an image is read from.
type whence struct {
	deep     bool   // every layer and file of an engine's
	remote   bool   // from its registry
	platform string // that it is judged for; "" the machine's
}

// examine opens the image, wherever it lies, and examines it.
func examine(ctx context.Context, ref string, w whence, start doctor.Start, say screen.Reporter) (d *doctor.Diagnosis, err error) {
	img, machine, err := w.open(ctx, ref, say)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	d, err = doctor.Examine(ctx, img, machine, start)
	if w.remote {
		err = refused(ref, err)
	}
	return d, err
}

// open opens an image, and says for which machine it is judged.
func (w whence) open(ctx context.Context, ref string, say screen.Reporter) (image.Image, doctor.Machine, error) {
	path, tag, packed := archive(ref)
	if packed || w.remote {
		machine, err := w.machine(startsOn(ctx))
		if err != nil {
			return nil, machine, err
		}
		platform := image.Platform{OS: machine.OS, Arch: machine.Arch}
		var img image.Image
		if w.remote {
			img, err = image.FromRegistry(ctx, ref, platform, w.platform != "")
			err = refused(ref, err)
		} else if info, missing := os.Stat(path); missing == nil && info.IsDir() {
			img, err = image.FromLayout(ctx, path, tag, platform)
		} else {
			img, err = image.FromTarball(ctx, path, tag, platform)
		}
		return img, machine, err
	}
	e, err := find(ctx, say)
	if err != nil {
		return nil, doctor.Machine{}, orFolder(ctx, ref, err)
	}
	machine, err := w.machine(run.MachineOf(e))
	if err != nil {
		return nil, machine, err
	}
	img, err := source.FromEngine(ctx, e, ref, w.deep)
	var none *image.NotFound
	if errors.As(err, &none) {
		err = orFolder(ctx, ref, err)
	}
	return img, machine, err
}

// machine is the one that is meant: that of the platform, where one is named.
func (w whence) machine(here doctor.Machine) (doctor.Machine, error) {
	if w.platform == "" {
		return here, nil
	}
	p, err := image.ParsePlatform(w.platform)
	if err != nil {
		return here, usageError{err}
	}
	if p.OS == here.OS && p.Arch == here.Arch {
		return here, nil
	}
	return doctor.MachineOf(p.OS, p.Arch, false, here.Overrides), nil
}

// refused says of a registry's refusal what it is, and what to do now.
func refused(ref string, err error) error {
	var fault *image.Fault
	if !errors.As(err, &fault) {
		return err
	}
	return &image.Fault{Ref: ref, Err: base.Refused(fault.Err.Error(), ref, program.Call()+" doctor --remote "+ref)}
}

// orFolder says of a folder that is no layout what it lacks: where no engine has
// an image of its name, it is meant.
func orFolder(ctx context.Context, ref string, err error) error {
	if info, missing := os.Stat(ref); missing == nil && info.IsDir() && ctx.Err() == nil {
		_, err = image.FromLayout(ctx, ref, "", image.Platform{})
	}
	return err
}

// archive tells a tarball or a layout, with or without a :TAG, from an engine's
// image. A file that happens to be called like an image must not be taken for one.
func archive(ref string) (path, tag string, ok bool) {
	is := func(path string) bool {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return false
		case info.IsDir():
			_, err := os.Stat(filepath.Join(path, "index.json"))
			return err == nil || strings.ContainsAny(path[:1]+path[len(path)-1:], "./\\")
		}
		return strings.ContainsAny(path, "./\\")
	}
	if is(ref) {
		return ref, "", true
	}
	for i := 2; i < len(ref); i++ { // not the colon of C:\
		if ref[i] == ':' && is(ref[:i]) {
			return ref[:i], ref[i+1:], true
		}
	}
	return "", "", false
}

// startsOn is the machine that an archive is judged for: the engine's where one
// answers at once, else this one.
func startsOn(ctx context.Context) doctor.Machine {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	if e, err := engine.Find(ctx); err == nil {
		return run.MachineOf(e)
	}
	return doctor.MachineOf("linux", runtime.GOARCH, runtime.GOOS == "linux", false)
}

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
