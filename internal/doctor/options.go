package doctor

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// Options is what whoever starts the image overrides: `docker run`'s options, a
// pod's or a compose file's fields. The zero value overrides nothing.
type Options struct {
	User       string
	Workdir    string
	Entrypoint *[]string // not nil: replaces ENTRYPOINT, and clears CMD unless it is empty
	Args       []string  // replaces CMD
	Env        []string  // NAME=VALUE, on top of the image's
	Init       bool      // the engine's init is started first, and starts the program

	Groups          []int // beside those of the user
	CapAdd, CapDrop []string
	Privileged      bool
	Open            map[string]bool // words of the command, and "PATH", whose values are not known here
	Mounts          map[string]bool // what is mounted over the image, by its place; true: it is empty
	Pod             *Pod            // where a kubelet starts it

	// Called are the options' names where the start is described, such as "command" for "--entrypoint".
	Called map[string]string
}

// called is an option's name, where the start is described.
func (x *examination) called(option string) string { return cmp.Or(x.options.Called[option], option) }

// inPlace puts a Dockerfile's lines to where the start is described, as far as that overrides the image's.
func (o Options) inPlace(lines string) string {
	if o.Called == nil {
		return lines
	}
	all := strings.Split(lines, "\n")
	for i, line := range all {
		word, rest, _ := strings.Cut(line, " ")
		option := ""
		switch {
		case word == "ENTRYPOINT" && o.Entrypoint != nil && len(*o.Entrypoint) > 0:
			option = "--entrypoint"
		case word == "CMD" && len(o.Args) > 0:
			option = "ARGS"
		case word == "WORKDIR" && o.Workdir != "":
			option = "--workdir"
		case word == "USER" && o.User != "":
			option = "--user"
		}
		if option == "--user" && o.Pod != nil {
			rest, _, _ = strings.Cut(rest, ":")
		}
		if option != "" {
			all[i] = o.Called[option] + ": " + rest
		}
	}
	return strings.Join(all, "\n")
}

// capable are the capabilities that a start gives (moby's oci/caps.TweakCapabilities).
func (o Options) capable() uint64 {
	numbers := func(names []string) (all uint64) {
		for _, name := range names {
			name = strings.TrimPrefix(strings.ToUpper(name), "CAP_")
			if at := slices.Index(capabilityNames, name); at >= 0 {
				all |= 1 << at
			} else if name == "ALL" {
				all = math.MaxUint64
			}
		}
		return all
	}
	caps, add, drop := uint64(containerCaps), numbers(o.CapAdd), numbers(o.CapDrop)
	switch {
	case o.Privileged:
		return math.MaxUint64
	case drop == math.MaxUint64:
		return add
	}
	return (caps | add) &^ drop
}

// hidden is a place that something is mounted over: the doctor cannot tell then, as with image.ErrTooLarge.
type hidden string

func (h hidden) Error() string {
	return "something is mounted at " + string(h) + ", and what that holds is not known here"
}
func (h hidden) Is(target error) bool { return target == image.ErrTooLarge }

// Pod is what a kubelet does otherwise than docker. The user that Options name is runAsUser.
type Pod struct {
	NonRoot bool   // runAsNonRoot
	Group   string // runAsGroup; "" none
}

// user is whom containerd is told to start it as: the kubelet leaves out the group that an image names.
func (p *Pod) user(spec string) string {
	if p == nil {
		return spec
	}
	spec, _, _ = strings.Cut(spec, ":")
	if p.Group != "" {
		return cmp.Or(spec, "0") + ":" + p.Group
	}
	return spec
}

// nonRoot is what the kubelet refuses before anything is made (verifyRunAsNonRoot in its kuberuntime).
func (x *examination) nonRoot(context.Context) error {
	if x.options.Pod == nil || !x.options.Pod.NonRoot {
		return nil
	}
	refused := func(cause Cause, user string, is Evidence, words string) error {
		return &finding{cause: cause, missing: user, facts: facts{User: user, At: is.Path}, evidence: []Evidence{
			{"the pod forbids root", "securityContext.runAsNonRoot", "true"}, is,
			{"the kubelet refuses it, in these words", "CreateContainerConfigError", words}}}
	}
	name, _, _ := strings.Cut(x.config.User, ":")
	is := Evidence{"the image's config names the user", "config.User", fmt.Sprintf("%q", x.config.User)}
	uid, err := strconv.ParseInt(cmp.Or(name, "0"), 10, 64)
	switch own := x.options.User; {
	case own == "0":
		return refused(RunAsNonRootRoot, own, Evidence{"and names root itself", "securityContext.runAsUser", own},
			"container's runAsUser breaks non-root policy")
	case own != "":
		return nil
	case err != nil:
		return refused(RunAsNonRootName, name, is, "container has runAsNonRoot and image has non-numeric user ("+name+
			"), cannot verify user is non-root")
	case uid == 0:
		return refused(RunAsNonRootRoot, name, is, "container has runAsNonRoot and image will run as root")
	}
	return nil
}
