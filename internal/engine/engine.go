// Package engine drives the container engine through its own command line,
// docker or podman: every command that it runs is one that a reader could type.
package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"optimizing-dockerfile/internal/doctor/image"
)

// Builders that an engine may have.
const (
	Legacy   = "legacy"   // the builder inside old docker daemons: an image per instruction
	BuildKit = "buildkit" // docker with the buildx plugin
	Buildah  = "buildah"  // podman
)

// answerTime is how long the engine may take to say what it is. A daemon that
// is reachable answers in well under a second.
const answerTime = 20 * time.Second

// Engine is a container engine that has answered.
type Engine struct {
	Name    string `json:"name"`    // docker or podman
	Version string `json:"version"` // the daemon's, not the client's
	Builder string `json:"builder"` // Legacy, BuildKit or Buildah
	Runtime string `json:"runtime"` // what makes the processes, such as runc 1.1.5
	Storage string `json:"storage"` // its storage driver, such as overlay2
	OS      string `json:"os"`      // of the containers, such as linux
	Arch    string `json:"arch"`    // as in GOARCH: amd64, arm64
	Client  string `json:"client"`  // the version of docker's program; "" where it does not tell

	Here        bool   `json:"-"` // on this machine, with this one's kernel
	ID          string `json:"-"` // tells one engine from another; empty where it has none
	LogicalCPUs int    `json:"-"` // that the engine's machine has
	Ledger      Ledger `json:"-"` // where the images that builds make are noted
	Instead     string `json:"-"` // where docker is installed too, but does not answer: that, and why, in a line
	Using       string `json:"-"` // the builder of buildx that builds; "" the engine's own
	Apart       bool   `json:"-"` // that builder cannot see the engine's images
	path        string // the program's
	oldClient   string // the docker context, where the program is older than 23 and has buildx; else ""

	silent atomic.Bool // it did not answer when it was asked last
}

// Unavailable says that no engine answered, why, and what to do now.
type Unavailable struct{ Reason string }

func (u *Unavailable) Error() string { return u.Reason }

// Find asks the engine named by CONTAINER_ENGINE, else docker, else podman,
// what it is. Where somebody says which docker it shall be, podman takes no place of it.
// The error is an *Unavailable, or the context's.
func Find(ctx context.Context) (*Engine, error) {
	names := []string{"docker", "podman"}
	if name := os.Getenv("CONTAINER_ENGINE"); name != "" {
		names = []string{name}
	} else if os.Getenv("DOCKER_HOST")+os.Getenv("DOCKER_CONTEXT") != "" {
		names = names[:1]
	}
	none := &Unavailable{fmt.Sprintf("no container engine: %s is not on PATH\n"+
		"Install Docker (https://docs.docker.com/get-docker/) or Podman (https://podman.io), then try again.",
		strings.Join(names, " or "))}
	instead := ""
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		e := &Engine{Name: name, path: path, Ledger: ledger(), Instead: instead}
		asking, stop := context.WithTimeout(ctx, answerTime)
		defer stop()
		err = e.describe(asking)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case asking.Err() != nil:
			err = fmt.Errorf("no answer within %v", answerTime)
		case err == nil:
			return e, nil
		}
		if instead == "" { // the first that is installed and does not answer
			none = &Unavailable{fmt.Sprintf("%s is installed, but its engine does not answer: %v\n"+
				"Start it and try again (`%s info` must succeed for this user).", name, err, name)}
			instead = fmt.Sprintf("%s does not answer (%s): podman does the work (CONTAINER_ENGINE=%s "+
				"insists on %s)", name, firstLine(err.Error()), name, name)
		}
	}
	return nil, none
}

// info is what `docker info` and `podman info` print, as far as it is needed here.
type info struct {
	// docker
	ID, ServerVersion, Driver, OSType, Architecture string
	DefaultRuntime, Name, KernelVersion             string
	RuncCommit                                      struct{ ID string }
	NCPU                                            int
	ServerErrors                                    []string
	ClientInfo                                      struct {
		Context string
		Version string // from docker 23 on
		Plugins []plugin
	}
	// podman
	Host struct {
		Arch, OS         string
		Hostname, Kernel string
		CPUs             int
		OCIRuntime       struct{ Name, Version string }
	}
	Store   struct{ GraphDriverName string }
	Version struct{ Version string }
}

// plugin is one that docker's program has found beside itself. Err is there where
// it is of no use.
type plugin struct {
	Name string
	Err  any
}

func (e *Engine) describe(ctx context.Context) error {
	text, err := e.Output(ctx, "info", "--format", "{{json .}}")
	var in info
	unread := json.Unmarshal([]byte(text), &in)
	switch {
	case len(in.ServerErrors) > 0: // docker then prints its answer all the same
		return errors.New(firstLine(in.ServerErrors[0]))
	case err != nil:
		return err
	case unread != nil:
		return fmt.Errorf("`%s info` printed what is no JSON", e.Name)
	case in.ServerVersion != "":
		e.Name, e.Version, e.Storage, e.ID = "docker", in.ServerVersion, in.Driver, in.ID
		e.OS, e.Arch, e.LogicalCPUs = in.OSType, goarch(in.Architecture), in.NCPU
		e.Runtime = strings.TrimSpace(in.DefaultRuntime + " " + in.RuncCommit.ID)
		e.Here = here(in.Name, in.KernelVersion)
		e.Client = in.ClientInfo.Version
		e.Builder = Legacy
		works := func(p plugin) bool { return p.Name == "buildx" && p.Err == nil }
		if slices.ContainsFunc(in.ClientInfo.Plugins, works) && os.Getenv("DOCKER_BUILDKIT") != "0" {
			e.Builder = BuildKit
			if in.ClientInfo.Version == "" {
				e.oldClient = in.ClientInfo.Context
			}
		}
	case in.Version.Version != "":
		e.Name, e.Version, e.Storage = "podman", in.Version.Version, in.Store.GraphDriverName
		e.OS, e.Arch, e.LogicalCPUs = in.Host.OS, goarch(in.Host.Arch), in.Host.CPUs
		e.Runtime = firstLine(in.Host.OCIRuntime.Version)
		e.Here = here(in.Host.Hostname, in.Host.Kernel)
		e.Builder = Buildah
	default:
		return fmt.Errorf("`%s info` names no version", e.Name)
	}
	return nil
}

// Overrides reports whether the engine leaves a user other than root CAP_DAC_OVERRIDE up to the program's
// execve: docker does from 24 on, and did before 18.06; podman does not.
func (e *Engine) Overrides() bool {
	major, _, _ := strings.Cut(e.Version, ".")
	n, err := strconv.Atoi(major)
	return e.Name == "docker" && (strings.HasPrefix(major, "v") || err == nil && n >= 24)
}

// Platform is what builds and starts are for, unless they say otherwise: that of
// DOCKER_DEFAULT_PLATFORM, else the engine's own.
func (e *Engine) Platform() image.Platform {
	if p, err := image.ParsePlatform(os.Getenv(defaultPlatform)); err == nil {
		return p
	}
	return e.Own()
}

// defaultPlatform is the variable by which docker's program takes another platform than the engine's.
const defaultPlatform = "DOCKER_DEFAULT_PLATFORM"

// Own is the platform of the engine's machine.
func (e *Engine) Own() image.Platform { return image.Platform{OS: e.OS, Arch: e.Arch} }

// typed gives the option by which a reader names a platform; none where it goes without saying.
func (e *Engine) typed(p image.Platform) []string {
	if p == (image.Platform{}) || p == e.Own() && os.Getenv(defaultPlatform) == "" {
		return nil
	}
	return []string{"--platform", p.String()}
}

// Key tells this engine from others, in what is noted on this machine.
func (e *Engine) Key() string { return cmp.Or(e.ID, e.Name) }

// Same says whether two engines speak with the same words: everything that the
// description names is equal.
func (e *Engine) Same(other *Engine) bool {
	describe := func(e *Engine) [7]string {
		return [7]string{e.Name, e.Version, e.Builder, e.Runtime, e.Storage, e.OS, e.Arch}
	}
	return describe(e) == describe(other)
}

// Said names the engine as every output that rests on it must: by what it says of
// itself. A daemon of a version that docker has not released yet is not called one.
func (e *Engine) Said() string {
	if e.Name != "docker" || !strings.HasPrefix(e.Version, "v") {
		return e.Name + " " + e.Version
	}
	return "dockerd from moby " + e.Version + ", docker program " + e.Client
}

// goarch turns the kernel's name of a machine into Go's.
func goarch(machine string) string {
	return cmp.Or(map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine], machine)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}
