package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor/image"
)

// settleTime is what a `run` under way may still take after Ctrl-C: a container
// that nobody has heard of cannot be removed.
const settleTime = 2 * time.Second

// RunCommand gives the words that a reader types to run an image, after the
// engine's name. host is HOST:PORT of this machine, or HOST: for a free port.
func (e *Engine) RunCommand(ref string, p image.Platform, host string) []string {
	words := append([]string{"run", "--rm", "--pull=never"}, e.typed(p)...)
	return append(words, "--publish", host+":8080", ref)
}

// StartContainer runs an image in the background. Instead of RunCommand's --rm it takes a name and labels,
// so that what is left can be examined, and found again; kept, until `clean`. A *Failed, with the engine's
// stderr, says that it could not be started; a container may be there all the same.
func (e *Engine) StartContainer(ctx context.Context, ref string, p image.Platform, name, host string, keep bool) error {
	labels := Ours()
	if keep {
		labels = Kept()
	}
	words := append([]string{"run", "--detach", "--name", name}, labels...)
	// A program that forks or prints without end must not take the machine's processes or disk with it.
	words = append(words, "--pids-limit=512", "--log-driver=json-file", "--log-opt=max-size=16m")
	if p != (image.Platform{}) {
		words = append(words, "--platform", p.String())
	}
	words = append(words, "--pull=never", "--publish", host+":8080", ref)

	settled, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(settleTime, stop) })()
	if _, err := e.Output(settled, words...); err != nil {
		return err
	}
	return ctx.Err()
}

// Container is what the engine says of a container, and what that was made of.
type Container struct {
	ID     string `json:"Id"`
	Image  string // its ID
	Path   string // the program, and its arguments
	Args   []string
	Config struct {
		User, WorkingDir string
		Env, Cmd         []string
		Entrypoint       any // podman before 5: one string
	}
	HostConfig struct {
		CapAdd, CapDrop  []string
		Privileged, Init bool
		Tmpfs            map[string]string
	}
	Mounts []struct{ Type, Destination string }
	State  struct {
		Status           string // created, running, exited …
		Pid              int    // of its first process, on the engine's machine; 0 where none runs
		Error, StartedAt string // of a start that the runtime refused; the zero time, where none came about
		ExitCode         int
		OOMKilled        bool
		Health           struct{ Status string } // of its HEALTHCHECK: starting, healthy, unhealthy; "" where it has none
	}
	NetworkSettings struct {
		Ports    map[string][]struct{ HostIp, HostPort string }
		Networks map[string]struct{ IPAddress string }
	}
}

// Started says whether its process was made, whatever came of it then. runc makes one before its execve: what fails there, as
// step 3 does, has started.
func (c Container) Started() bool {
	return c.State.StartedAt != "" && !strings.HasPrefix(c.State.StartedAt, "0001-01-01") && c.State.Status != "created"
}

// Host is the HOST:PORT of this machine that reaches port 8080; "" where it is not published.
func (c Container) Host() string {
	for _, port := range c.NetworkSettings.Ports["8080/tcp"] {
		return port.HostIp + ":" + port.HostPort
	}
	return ""
}

// Address is its own, and the engine's network that it is in; "" where it has none.
func (c Container) Address() (address, network string) {
	for name, in := range c.NetworkSettings.Networks {
		network, address = name, in.IPAddress
	}
	return address, network
}

// Inspect describes a container.
func (e *Engine) Inspect(ctx context.Context, name string) (Container, error) {
	return inspect[Container](ctx, e, "container", name)
}

// inspect has an engine describe one thing of a kind.
func inspect[T any](ctx context.Context, e *Engine, kind, name string) (one T, err error) {
	text, err := e.Output(ctx, kind, "inspect", "--", name)
	if err != nil {
		return one, err
	}
	var found []T
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found) != 1 {
		return one, fmt.Errorf("`%s %s inspect %s` printed what cannot be read", e.Name, kind, name)
	}
	return found[0], nil
}

// Logs gives the last lines that a container printed, stdout and stderr as they
// came, and nothing that the engine's program says beside them, such as a warning.
func (e *Engine) Logs(ctx context.Context, name string) (string, error) {
	bounded, stop := context.WithTimeout(ctx, callTime)
	defer stop()
	words := new(tail)
	err := e.Run(bounded, nil, words, words, "logs", "--timestamps", "--tail", "200", name)
	return stamped(words.String()), err
}

// timestamp is how docker and podman begin a line of a log: RFC 3339, with fractions.
var timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) `)

// stamped keeps the lines that have a time, without it: they are the container's.
func stamped(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if at := timestamp.FindString(line); at != "" {
			kept.WriteString(line[len(at):])
		}
	}
	return kept.String()
}

// Remove ends a container at once and removes it with its volumes. That it is
// gone already is no error.
func (e *Engine) Remove(ctx context.Context, name string) error {
	_, err := e.Output(ctx, "rm", "--force", "--volumes", name)
	if err != nil && notThere.MatchString(err.Error()) {
		return nil
	}
	return err
}

// notThere is how the engines say that a container is not there, or is just going.
var notThere = regexp.MustCompile("(?i)no such container|is already in progress")

// Image is what the engine says of an image.
type Image struct {
	ID      string   `json:"Id"`       // sha256:…
	Listed  int64    `json:"Size"`     // what the engine lists as its size; see source.Cache.Weigh
	Created string   `json:"Created"`  // when, in RFC 3339
	Tags    []string `json:"RepoTags"` // the names that it has
	RootFS  struct {
		Layers []string // their digests, uncompressed
	}
	image.Config

	Reused []string `json:"-"` // instructions that its build took from an earlier one; of Build
}

// FindImage describes an image, by its name or ID; nil where there is none.
func (e *Engine) FindImage(ctx context.Context, name string) (*Image, error) {
	found, err := inspect[Image](ctx, e, "image", name)
	var failed *Failed
	switch {
	case errors.As(err, &failed) && absent.MatchString(failed.Stderr):
		return nil, nil
	case err != nil:
		return nil, err
	}
	found.ID = "sha256:" + strings.TrimPrefix(found.ID, "sha256:") // podman leaves it out here, but not in lists
	return &found, nil
}

// absent is how the engines say that there is no such image, nor can be one of that name.
var absent = regexp.MustCompile("(?i)no such image|image not known|unable to find image|invalid reference format|invalid repository name")

// Platform is what the image is for.
func (i Image) Platform() image.Platform { return image.Platform{OS: i.OS, Arch: i.Architecture} }
