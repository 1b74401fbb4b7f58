package engines

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// moby is the module that today's dockerd is of; runc is the one program that is C in part.
const (
	moby = "github.com/moby/moby/v2"
	runc = "github.com/opencontainers/runc"
)

// Programs gives the folder with the programs of today's engines: dockerd and what
// it runs, buildx, a registry. programs/go.mod pins them. They are built once, which
// takes minutes, and kept in the user's cache until that file changes.
func Programs(t testing.TB) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		Without(t, "the engines of today: "+err.Error())
	}
	return dir
}

var programs = sync.OnceValues(func() (string, error) {
	return built("programs", func(call golang, making string) error {
		version, err := call("0", "list", "-m", "-f", "{{.Version}}", moby)
		if err != nil {
			return err
		}
		tools, err := call("0", "list", "tool")
		if err != nil {
			return err
		}
		// dockerd names itself as what it is, that version of the module: it is no release of Docker's.
		words := []string{"build", "-ldflags", "-X " + moby + "/dockerversion.Version=" + version, "-o", making + "/"}
		pure := slices.DeleteFunc(strings.Fields(tools), func(path string) bool { return path == runc })
		if _, err := call("0", append(words, pure...)...); err != nil {
			return err
		}
		if _, err := call("1", "build", "-tags", "seccomp", "-o", making+"/", runc); err != nil { // dockerd takes none without
			return fmt.Errorf("%w\nOn Debian or Ubuntu: apt-get install gcc libseccomp-dev pkg-config", err)
		}
		return nil
	})
})

// kubelet is Kubernetes' node agent, and ctr. Its module replaces others, so it is a module of its own.
var kubelet = sync.OnceValues(func() (string, error) {
	return built(filepath.Join("programs", "kubelet"), func(call golang, making string) error {
		version, err := call("0", "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
		if err != nil {
			return err
		}
		number := strings.Split(strings.TrimPrefix(version, "v"), ".")
		const at = " -X k8s.io/component-base/version."
		flags := "-s -w" + at + "gitVersion=" + version + at + "gitMajor=" + number[0] + at + "gitMinor=" + number[1]
		if _, err := call("0", "build", "-ldflags", flags, "-o", making+"/", "tool"); err != nil {
			return err
		}
		_, err = call("0", "build", "-C", "..", "-o", making+"/", "github.com/containerd/containerd/v2/cmd/ctr") // it loads images
		return err
	})
})

// golang calls go in a module's folder, and gives what it answers.
type golang func(cgo string, words ...string) (string, error)

// built gives the folder with a module's programs, built once into the user's cache.
func built(module string, build func(call golang, making string) error) (string, error) {
	_, here, _, _ := runtime.Caller(0)
	module = filepath.Join(filepath.Dir(here), module)
	sum := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "optimizing-dockerfile-engines", hex.EncodeToString(sum.Sum(nil))[:12])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	making, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(making)
	call := func(cgo string, words ...string) (string, error) {
		command := exec.Command("go", words...)
		command.Dir = module
		command.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOFLAGS=", "GOWORK=off")
		var said strings.Builder // apart from what is answered: with an empty cache go tells there of each download
		command.Stderr = &said
		out, err := command.Output()
		if err != nil {
			err = fmt.Errorf("go %s: %w\n%s", strings.Join(words, " "), err, last(said.String(), 2000))
		}
		return strings.TrimSpace(string(out)), err
	}
	if err := build(call, making); err != nil {
		return "", err
	}
	if err := os.Rename(making, dir); err != nil && !os.IsExist(err) { // another process was quicker
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// Buildx gives a DOCKER_CONFIG whose docker has the plugin buildx, and nothing else.
func Buildx(t testing.TB) string {
	t.Helper()
	config := t.TempDir()
	plugins := filepath.Join(config, "cli-plugins")
	require.NoError(t, os.Mkdir(plugins, 0o755))
	require.NoError(t, os.Symlink(filepath.Join(Programs(t), "buildx"), filepath.Join(plugins, "docker-buildx")))
	return config
}
