package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/table"
)

// examine weighs a try's image, also where its start was in vain, and notes what the doctor proves of it. Of a large one
// that is done only where its container fails: it takes many commands of the engine.
func (j *job) examine(ctx context.Context) {
	if j.image.ID == "" {
		return
	}
	err := j.weigh(ctx)
	if err == nil && !j.only {
		err = j.note(ctx)
	}
	j.fault = cmp.Or(j.fault, err)
}

// note notes the doctor's proof, what the program is linked with and, where nobody has seen it at work, whom it runs as.
func (j *job) note(ctx context.Context) (err error) {
	if source.Small(j.image) {
		_, err = j.diagnose(ctx)
	}
	o := &j.outcome
	if d := j.proof; d != nil {
		o.Proof, o.Libc = append(slices.Clone(d.Evidence), o.Proof...), d.Libc
		o.runsAs(d.User)
	} else if j.fault == nil && err == nil && o.User == "" {
		err = j.look(ctx, j.image, func(img image.Image) error {
			who, err := doctor.Identify(ctx, img)
			o.runsAs(who)
			return err
		})
	}
	return err
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

// diagnose has the doctor prove what becomes of the image; examine notes it.
func (j *job) diagnose(ctx context.Context) (*doctor.Diagnosis, error) {
	d, err := j.ask(ctx)
	j.proof = d
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
