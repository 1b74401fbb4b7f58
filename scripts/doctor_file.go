package main

import (
	"errors"
	"os"
	"strings"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/doctor/workload"
	"optimizing-dockerfile/internal/engine"
)

// describes says whether a word is a file that describes containers, and no image.
func describes(ref string) bool {
	if !strings.HasSuffix(ref, ".yaml") && !strings.HasSuffix(ref, ".yml") {
		return false
	}
	info, err := os.Stat(ref)
	return err == nil && !info.IsDir()
}

// diagnoseFile tells of each container that a file describes whether its image can start, as the file starts it.
func (o doctorOptions) diagnoseFile(c *call, file string) error {
	containers, err := usage(workload.Read(file, os.LookupEnv))
	if err != nil {
		return err
	}
	var all []doctor.Member
	for _, it := range containers {
		d, err := o.member(c, it)
		if err != nil {
			return err
		}
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
	d, err := o.examine(c, it.Image, it.Start)
	var none *image.NotFound
	var fault *image.Fault
	var unavailable *engine.Unavailable
	var wrong usageError
	switch {
	case c.Err() != nil:
		return nil, c.Err()
	case errors.As(err, &none) && !o.remote:
		return doctor.Unknown(it.Image, "the engine does not have its image: build or pull it first, or look in its registry with --remote"), nil
	case errors.As(err, &none):
		return doctor.Unknown(it.Image, none.Reason), nil
	case errors.As(err, &fault), errors.As(err, &unavailable), errors.As(err, &wrong):
		return doctor.Unknown(it.Image, err.Error()), nil
	}
	return d, err
}
