package main

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/doctor/image/registry"
	"optimizing-dockerfile/internal/doctor/workload"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// examine opens the image, wherever it lies, and examines it.
func (o doctorOptions) examine(c *call, ref string, options doctor.Options) (d *doctor.Diagnosis, err error) {
	err = attempt(func() (err error) {
		img, machine := o.open(c, ref)
		defer func() { err = errors.Join(err, img.Close()) }()
		d, err = doctor.Examine(c, img, machine, options)
		return err
	})
	var fault *image.Fault
	if o.remote && errors.As(err, &fault) { // what the registry's refusal is, and what to do now
		err = &image.Fault{Ref: ref, Err: base.Refused(fault.Err.Error(), ref, program.Call()+" doctor --remote "+ref)}
	}
	return d, err
}

// open opens an image, and says for which machine it is judged.
func (o doctorOptions) open(c *call, ref string) (img image.Image, machine doctor.Machine) {
	path, tag, packed := archive(ref)
	if packed || o.remote {
		machine = o.machine(startsOn(c))
		platform := image.Platform{OS: machine.OS, Arch: machine.Arch}
		if o.remote {
			return must(registry.Open(c, ref, platform, o.platform != "")), machine
		}
		return must(image.FromFile(c, path, tag, platform)), machine
	}
	e, err := find(c, c.say)
	if err == nil {
		machine = o.machine(run.MachineOf(e))
		img, err = source.FromEngine(c, e, ref, o.deep)
	}
	var none *image.NotFound
	if (e == nil || errors.As(err, &none)) && isFolder(ref) && c.Err() == nil { // it is meant, and what it lacks to be a layout is said
		img, err = image.FromFile(c, ref, "", image.Platform{})
	}
	endOn(err)
	return img, machine
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// machine is the one that is meant: that of the platform, where one is named.
func (o doctorOptions) machine(here doctor.Machine) doctor.Machine {
	if o.platform == "" {
		return here
	}
	p := must(usage(image.ParsePlatform(o.platform)))
	if p.OS == here.OS && p.Arch == here.Arch {
		return here
	}
	return doctor.MachineOf(p.OS, p.Arch, false, here.Overrides)
}

// archive tells a tarball or a layout, with or without a :TAG, from an engine's
// image. A file that happens to be called like an image must not be taken for one.
func archive(ref string) (path, tag string, ok bool) {
	is := func(path string) bool {
		if _, err := os.Stat(path); err != nil {
			return false
		}
		if !isFolder(path) {
			return strings.ContainsAny(path, "./\\")
		}
		_, err := os.Stat(filepath.Join(path, "index.json"))
		return err == nil || strings.ContainsAny(path[:1]+path[len(path)-1:], "./\\")
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
func examineContainer(c *call, name string, options doctor.Options) (d *doctor.Diagnosis, err error) {
	e := must(find(c, c.say))
	img, it, err := source.FromContainer(c, e, name)
	endOn(err)
	defer func() { err = errors.Join(err, img.Close()) }()
	made := it.HostConfig
	options.CapAdd, options.CapDrop, options.Privileged, options.Init = made.CapAdd, made.CapDrop, made.Privileged, made.Init
	options.Mounts = mountsOf(e, it)
	d = must(doctor.Examine(c, img, run.MachineOf(e), options))
	d.Ended = &doctor.Ended{Status: it.State.Status, ExitCode: it.State.ExitCode, Error: it.State.Error, OOMKilled: it.State.OOMKilled}
	if log, err := e.Logs(c, it.ID); err == nil { // some drivers keep none
		d.Ended.LastLine = screen.Last(log, 1)
	}
	return d, c.Err()
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

// describes says whether a word is a file that describes containers, and no image.
func describes(ref string) bool {
	info, err := os.Stat(ref)
	return err == nil && !info.IsDir() && slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(ref))
}

// diagnoseFile tells of each container that a file describes whether its image can start, as the file starts it.
func (o doctorOptions) diagnoseFile(c *call, file string) error {
	var all []doctor.Member
	for _, it := range must(usage(workload.Read(file, os.LookupEnv))) {
		d := must(o.member(c, it))
		o.withhold(d)
		all = append(all, doctor.Member{Name: it.Name, Owner: it.Owner, Init: it.Init, Notes: it.Notes, Diagnosis: d})
	}
	set := doctor.NewSet(all)
	return o.tell(c, set, func(width int) error { return doctor.ScreenSet(c.out, set, c.out.Color, width) }, set.Starts)
}

// member examines one; where its image cannot be had, that is what is told of it.
func (o doctorOptions) member(c *call, it workload.Container) (*doctor.Diagnosis, error) {
	switch {
	case it.Unknown != "":
		return doctor.Unknown(it.Image, it.Unknown), nil
	case it.Image == "":
		return doctor.Unknown(it.Image, "the file names no image for it"), nil
	case o.platform == "":
		o.platform = it.Platform
	}
	d, err := o.examine(c, it.Image, it.Options)
	if err != nil && c.Err() == nil {
		return doctor.Unknown(it.Image, err.Error()), nil
	}
	return d, c.Err()
}
