package run

import (
	"context"
	"fmt"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/table"
)

// examine weighs a try's image and, where it is small, has the doctor prove what becomes of it. A large image is examined
// only where it fails, as each folder of it is a call to the engine.
func (j *job) examine(ctx context.Context) {
	if j.fault != nil || j.image.ID == "" {
		return
	}
	if j.fault = j.weigh(ctx); j.fault != nil || j.only {
		return
	}
	if source.Small(j.image) {
		_, j.fault = j.diagnose(ctx)
	} else if j.outcome.User == "" {
		j.fault = j.identify(ctx)
	}
}

// weigh notes what an image holds, and how much.
func (j *job) weigh(ctx context.Context) error {
	made := &Image{ID: j.image.ID, Listed: j.image.Listed, Layers: j.image.RootFS.Layers, User: j.image.Config.User}
	bytes, files, err := j.files.Weigh(ctx, j.Engine, j.image)
	if err != nil {
		return err
	}
	made.Bytes, j.outcome.Image = bytes, made
	for _, file := range files {
		if made.Files = append(made.Files, File{file.Path, file.Size}); file.Path == table.Binary {
			made.Binary = file.Size
		}
	}
	return nil
}

// diagnose notes what the doctor finds; why the image fails, if it does, is noted once the engine says that it has.
func (j *job) diagnose(ctx context.Context) (*doctor.Diagnosis, error) {
	d, err := j.ask(ctx)
	if err == nil {
		j.outcome.Proof, j.outcome.Libc = d.Evidence, d.Libc
		j.outcome.runsAs(d.User)
	}
	return d, err
}

// ask has the doctor look into the image, once, without starting it.
func (j *job) ask(ctx context.Context) (*doctor.Diagnosis, error) {
	if j.diagnosis != nil {
		return j.diagnosis, nil
	}
	err := j.look(ctx, j.image, func(img image.Image) error {
		d, err := doctor.Prove(ctx, img, MachineOf(j.Engine), doctor.Options{})
		if err == nil {
			j.diagnosis = d
		}
		return err
	})
	return j.diagnosis, err
}

// identify notes whom a program runs as that nobody saw running.
func (j *job) identify(ctx context.Context) error {
	return j.look(ctx, j.image, func(img image.Image) error {
		who, err := doctor.Identify(ctx, img)
		j.outcome.runsAs(who)
		return err
	})
}

// runsAs notes an account, where none was seen at work.
func (o *Outcome) runsAs(who doctor.User) {
	if o.User == "" && who.UID != nil && who.GID != nil {
		o.User = fmt.Sprintf("%d:%d", *who.UID, *who.GID)
	}
}

// MachineOf describes the machine that an engine starts programs on.
func MachineOf(e *engine.Engine) doctor.Machine {
	return doctor.MachineOf(e.OS, e.Arch, e.Here, e.Overrides())
}

// look opens an image for as long as it is looked at.
func (t *Trial) look(ctx context.Context, about engine.Image, at func(image.Image) error) error {
	img, err := t.files.Open(ctx, t.Engine, about)
	if err != nil {
		return err
	}
	defer img.Close()
	return at(img)
}
