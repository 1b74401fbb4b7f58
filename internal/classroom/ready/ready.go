// Package ready finds out, the day before, whether a machine can do everything,
// also where there is no network: by doing it on a small scale. It changes
// nothing that is not ours.
package ready

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// What the six steps need. Their images, with the engine's copies on the way, take
// 1.3 GB beside the base; a compile needs less than 400 MB, and two may run at once.
const (
	diskNeeded   = 1_500_000_000
	memoryNeeded = 1_000_000_000
)

// Check is one question, and what was found. Without Lack the answer is yes.
type Check struct {
	Name    string `json:"name"`
	Found   string `json:"found"`
	Lack    string `json:"lack"`    // what is not as it must be
	Fix     string `json:"fix"`     // what to do about it now
	Unclear bool   `json:"unclear"` // it could not be found out, and Lack says why
}

// Machine is what is asked about.
type Machine struct {
	Engine *engine.Engine
	Base   base.Base
	App    string // the folder of the app that is compiled
	Root   string // the repo's
	Say    screen.Reporter
}

// Examine asks everything that can be asked, in the order in which it is best mended.
func (m Machine) Examine(ctx context.Context) ([]Check, error) {
	checks := []Check{
		{Name: "engine", Found: fmt.Sprintf("%s, %s builder", m.Engine.Said(), m.Engine.Builder)},
		m.machine(), m.program(ctx),
	}
	there, err := base.InEngine(ctx, m.Engine, m.Base)
	if err != nil {
		return nil, err
	}
	if there == nil {
		return append(checks, Check{
			Name: "base", Lack: fmt.Sprintf("%s is not in the engine, nor a stand-in for it", m.Base.Image),
			Fix: fmt.Sprintf("with a network: %s dev base; without: %[1]s load BUNDLE", program.Call()),
		}, Check{Name: "the rest", Lack: "needs the base", Fix: "then: " + program.Call() + " ready", Unclear: true}), nil
	}
	checks = append(checks, Check{Name: "base", Found: fmt.Sprintf("%s, %s (%s)", there.Image, screen.Size(there.Bytes), there.Source)})
	defer m.Engine.RemoveOwn(context.WithoutCancel(ctx))
	m.Say.Say("compiling the app in the base, without a network")
	checks = append(checks, m.inside(ctx, there)...)
	return append(checks, m.port(ctx, there)), ctx.Err()
}

// machine asks whether the lesson knows the engine's kind of machine.
func (m Machine) machine() Check {
	c := Check{Name: "machine", Found: m.Engine.OS + " on " + m.Engine.Arch}
	if m.Engine.OS != "linux" {
		c.Lack, c.Fix = "the engine runs "+m.Engine.OS+" containers", "switch it to Linux containers"
	} else if m.Base.Loader[m.Engine.Arch] == "" {
		c.Lack, c.Fix = "no base is known for "+m.Engine.Arch, "use a machine or an engine on amd64 or arm64"
	}
	return c
}

// program asks whether this tool itself needs a network: `go run` may, to get its modules.
func (m Machine) program(ctx context.Context) Check {
	c := Check{Name: "tool", Found: "a program of its own, it needs nothing else"}
	if !strings.Contains(filepath.ToSlash(program.Path()), "/go-build") {
		return c
	}
	c.Found = "go run has all modules that it needs"
	command := exec.CommandContext(ctx, "go", "list", "-deps", "./scripts")
	command.Dir = m.Root
	command.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=readonly")
	var words bytes.Buffer
	command.Stderr = &words
	if err := command.Run(); err != nil {
		c.Lack = "go run would need a network: " + screen.Last(words.String(), 1)
		c.Fix = "go build -o bin/steps ./scripts, and use bin/steps"
	}
	return c
}

// words are those that run a command in a container of ours.
func (m Machine) words(there *base.Ready, options []string, command ...string) []string {
	return slices.Concat([]string{"run", "--pull=never"}, engine.Ours(), options, []string{there.ImageID}, command)
}

// inside asks a container, which has no network, to compile the app, and what it sees of the engine's machine.
func (m Machine) inside(ctx context.Context, there *base.Ready) []Check {
	bounded, stop := context.WithTimeout(ctx, 10*time.Minute) // for the compile on a slow machine
	defer stop()
	var app, out bytes.Buffer
	w := tar.NewWriter(&app)
	if err := errors.Join(w.AddFS(os.DirFS(m.App)), w.Close()); err != nil {
		return []Check{{Name: "offline", Lack: "the app cannot be read: " + err.Error(), Unclear: true}}
	}
	const script = "df -Pk / | tail -1; grep MemAvailable /proc/meminfo; " +
		"mkdir /tmp/app && cd /tmp/app && tar xf - && go build -o /tmp/echo . && echo compiled"
	began := time.Now()
	err := m.Engine.Run(bounded, &app, &out, nil,
		m.words(there, []string{"--rm", "--interactive", "--network", "none"}, "sh", "-c", script)...)
	var failed *engine.Failed
	if err != nil && !errors.As(err, &failed) {
		return []Check{{
			Name: "containers", Lack: "none could be run: " + screen.Line(err.Error()),
			Fix: "restart the engine, then: " + program.Call() + " ready", Unclear: true,
		}}
	}
	offline := Check{Name: "offline", Found: fmt.Sprintf("the app compiles without a network, in %.0f s", time.Since(began).Seconds())}
	if !strings.HasSuffix(strings.TrimSpace(out.String()), "compiled") {
		offline.Lack = "the app does not compile without a network: " + screen.Line(fmt.Sprint(err))
		offline.Fix = fmt.Sprintf("with a network: %s bundle; then, here: %[1]s load %s.tar. Its base carries the app's modules.",
			program.Call(), engine.Repository)
	}
	return []Check{offline, disk(out.String(), m.Engine.Name), memory(out.String(), m.Engine.Name)}
}

// disk reads what `df -Pk` said of the engine's disk.
func disk(said, name string) Check {
	return enough("disk", append(strings.Fields(said), "", "", "", "")[3], diskNeeded,
		"make room; "+name+" system df shows what takes it. A virtual machine around the engine has a limit of its own")
}

// memory reads what the kernel said of its memory.
func memory(said, name string) Check {
	_, after, _ := strings.Cut(said, "MemAvailable:")
	return enough("memory", append(strings.Fields(after), "")[0], memoryNeeded,
		"end other programs and containers; where "+name+" runs in a virtual machine, give that more")
}

// enough asks whether as many kilobytes are free as are needed.
func enough(what, free string, needed int64, fix string) Check {
	kilobytes, err := strconv.ParseInt(free, 10, 64)
	if err != nil {
		return Check{Name: what, Lack: "a container did not tell how much is free", Unclear: true}
	}
	c := Check{Name: what, Found: fmt.Sprintf("%s free for the engine, %s needed", screen.Size(kilobytes*1024), screen.Size(needed))}
	if kilobytes*1024 < needed {
		c.Lack, c.Fix = c.Found, fix
	}
	return c
}

// port asks whether what a container serves can be reached from here.
func (m Machine) port(ctx context.Context, there *base.Ready) Check {
	c := Check{Name: "port"}
	options := []string{"--detach", "--publish", "127.0.0.1::8080"}
	id, err := m.Engine.Output(ctx, m.words(there, options, "sh", "-c", "while true; do echo reached | nc -l -p 8080; done")...)
	var container engine.Container
	if err == nil {
		container, err = m.Engine.Inspect(ctx, id)
	}
	if err == nil {
		err = reach(ctx, container.Host())
	}
	switch {
	case err != nil && m.fromContainer(ctx, there, container):
		c.Found = "the engine is on another machine: its ports are not this one's, so steps are asked from a container over there"
	case err != nil:
		c.Lack = "what a container serves cannot be reached from here: " + screen.Line(err.Error())
		c.Fix = "is the engine on another machine? Run this there. A firewall or VPN may also block 127.0.0.1"
	case run.Free("127.0.0.1:8080") == "":
		c.Found = "a published port answers; 8080 is taken, so another one will be used"
	default:
		c.Found = "a published port answers; 8080 is free"
	}
	return c
}

// fromContainer says whether another container hears what a container serves.
func (m Machine) fromContainer(ctx context.Context, there *base.Ready, c engine.Container) bool {
	address, network := c.Address()
	if address == "" {
		return false
	}
	text, err := m.Engine.Output(ctx, m.words(there, []string{"--rm", "--network", network}, "nc", "-w", "5", address, "8080")...)
	return err == nil && strings.TrimSpace(text) == "reached"
}

// reach tries until the container answers: its program takes a moment to begin.
func reach(ctx context.Context, host string) error {
	text := make([]byte, len("reached"))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		connection, err := net.DialTimeout("tcp", host, 2*time.Second)
		if err == nil {
			connection.SetDeadline(time.Now().Add(2 * time.Second))
			_, err = io.ReadFull(connection, text)
			connection.Close()
		}
		switch {
		case err == nil && string(text) == "reached":
			return nil
		case err == nil:
			return fmt.Errorf("%s answered %q", host, text)
		case ctx.Err() != nil || time.Now().After(deadline):
			return err
		}
	}
}
