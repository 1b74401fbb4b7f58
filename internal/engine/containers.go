package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor/image"
)

// callTime bounds every call to the engine that does not build. Each takes well under
// a second on a healthy machine, and over a minute where eight runs go on at once; an
// engine that hangs is noticed long before, by watch.
const callTime = 5 * time.Minute

// settleTime is what a `run` under way may still take after Ctrl-C: a container
// that nobody has heard of cannot be removed.
const settleTime = 2 * time.Second

// bounds keep a program that forks or prints without end from taking the
// machine's processes or disk with it.
var bounds = []string{"--pids-limit=512", "--log-driver=json-file", "--log-opt=max-size=16m"}

// RunCommand gives the words that a reader types to run an image, after the
// engine's name. host is HOST:PORT of this machine, or HOST: for a free port.
func (e *Engine) RunCommand(ref string, p image.Platform, host string) []string {
	words := append([]string{"run", "--rm", "--pull=never"}, e.typed(p)...)
	return append(words, "--publish", host+":8080", ref)
}

// StartContainer runs an image in the background and returns what the engine
// printed to stderr. Instead of RunCommand's --rm it takes a name and labels, so
// that what is left can be examined, and found again; kept, until `clean`. A *Failed tells that the
// engine could not start it; a container may be there all the same.
func (e *Engine) StartContainer(ctx context.Context, ref string, p image.Platform, name, host string, keep bool) error {
	labels := Ours()
	if keep {
		labels = Kept()
	}
	words := append([]string{"run", "--detach", "--name", name}, labels...)
	words = append(words, bounds...)
	if p != (image.Platform{}) {
		words = append(words, "--platform", p.String())
	}
	words = append(words, "--pull=never", "--publish", host+":8080", ref)

	settled, stop := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(settleTime, stop) })()
	if _, err := e.Output(settled, words...); err != nil {
		return ended(settled, err, words)
	}
	return ctx.Err()
}

// ended turns a deadline into a sentence that says which wait it was.
func ended(ctx context.Context, err error, words []string) error {
	if ctx.Err() == context.DeadlineExceeded {
		return fmt.Errorf("`%s` had not ended after %v", strings.Join(words[:1], " "), callTime)
	}
	return err
}

// Call is Output with an end to the wait.
func (e *Engine) Call(ctx context.Context, args ...string) (string, error) {
	bounded, stop := context.WithTimeout(ctx, callTime)
	defer stop()
	out, err := e.Output(bounded, args...)
	if err != nil && ctx.Err() == nil {
		err = ended(bounded, err, args)
	}
	return out, err
}

// Container is what the engine says of a container.
type Container struct {
	ID       string
	PID      int    // of its first process, on the engine's machine; 0 where none runs
	Status   string // created, running, exited …
	Started  bool   // its process was made, whatever came of it then
	ExitCode int
	Error    string // of a start that the runtime refused
	Health   string // of its HEALTHCHECK: starting, healthy, unhealthy; "" where it has none
	Host     string // HOST:PORT of this machine that reaches port 8080; "" where it is not published
	Address  string // its own, in Network; "" where it has none
	Network  string // the engine's network that it is in
	Setup    Setup
}

// Setup is what a container was made of.
type Setup struct {
	Image     string `json:"Image"` // its ID
	Path      string // the program, and its arguments
	Args      []string
	OOMKilled bool `json:"-"`
	Config    struct {
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
}

// Inspect describes a container.
func (e *Engine) Inspect(ctx context.Context, name string) (Container, error) {
	text, err := e.Call(ctx, "container", "inspect", name)
	if err != nil {
		return Container{}, err
	}
	var found []struct {
		Setup
		ID    string `json:"Id"`
		State struct {
			Status, Error, StartedAt string
			ExitCode, Pid            int
			OOMKilled                bool
			Health                   struct{ Status string }
		}
		NetworkSettings struct {
			Ports    map[string][]struct{ HostIp, HostPort string }
			Networks map[string]struct{ IPAddress string }
		}
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found) != 1 {
		return Container{}, fmt.Errorf("`%s container inspect %s` printed what cannot be read", e.Name, name)
	}
	state := found[0].State
	c := Container{
		ID: found[0].ID, PID: state.Pid,
		Status: state.Status, ExitCode: state.ExitCode, Error: state.Error, Health: state.Health.Status,
		Started: !strings.HasPrefix(state.StartedAt, "0001-01-01") && state.Status != "created",
	}
	c.Setup, c.Setup.OOMKilled = found[0].Setup, state.OOMKilled
	if ports := found[0].NetworkSettings.Ports["8080/tcp"]; len(ports) > 0 {
		c.Host = ports[0].HostIp + ":" + ports[0].HostPort
	}
	for name, network := range found[0].NetworkSettings.Networks {
		c.Network, c.Address = name, network.IPAddress
	}
	return c, nil
}

// Logs gives the last lines that a container printed, stdout and stderr as they
// came, and nothing that the engine's program says beside them, such as a warning.
func (e *Engine) Logs(ctx context.Context, name string) (string, error) {
	bounded, stop := context.WithTimeout(ctx, callTime)
	defer stop()
	words := &tail{limit: 64 << 10}
	err := e.Run(bounded, nil, words, writer{words}, "logs", "--timestamps", "--tail", "200", name)
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

// writer hides that two streams are the same, or os/exec would join them and
// Run could not keep the errors apart.
type writer struct{ io.Writer }

// Remove ends a container at once and removes it with its volumes. That it is
// gone already is no error.
func (e *Engine) Remove(ctx context.Context, name string) error {
	_, err := e.Call(ctx, "rm", "--force", "--volumes", name)
	if noSuchContainer(err) {
		return nil
	}
	return err
}

// noSuchContainer knows how the engines say that a container is not there, or is just going.
func noSuchContainer(err error) bool {
	if err == nil {
		return false
	}
	words := strings.ToLower(err.Error())
	return strings.Contains(words, "no such container") || strings.Contains(words, "is already in progress")
}
