package engines

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Kubelet is Kubernetes' node agent of today, alone with a containerd of its own in a
// network of its own: pods are files in a folder.
type Kubelet struct {
	What string // with all versions

	dir, network    string
	programs, agent string // where containerd and the kubelet lie
}

// PodStatus is what a cluster's user sees of a pod's container: the status that `kubectl get pods` shows, how
// it ended, and its log.
type PodStatus struct {
	Status, Reason, Message, Log string
	Exit                         *int
}

// Pause is the sandbox of every pod, an image that the caller makes: a program that waits.
const Pause = "localhost/pause:1"

const containerdConfig = `version = 3
root = "DIR/root"
state = "DIR/state"
[grpc]
  address = "DIR/c.sock"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "` + Pause + `"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: DIR/pods
containerRuntimeEndpoint: unix://DIR/c.sock
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
fileCheckFrequency: 1s
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
address: 127.0.0.1
readOnlyPort: 10255
podLogsDir: DIR/logs
evictionHard: {memory.available: "0%", nodefs.available: "0%", imagefs.available: "0%", nodefs.inodesFree: "0%"}
`

// StartKubelet starts its containerd; images are loaded before it starts itself.
func StartKubelet(t testing.TB) *Kubelet {
	t.Helper()
	Root(t, "a kubelet of the test's own")
	k := &Kubelet{programs: Programs(t), network: network(t)}
	var err error
	if k.agent, err = kubelet(); err != nil {
		Without(t, "the kubelet of today: "+err.Error())
	}
	k.dir, err = os.MkdirTemp("", "od-k8s-")
	require.NoError(t, err)
	for name, text := range map[string]string{"containerd.toml": containerdConfig, "kubelet.yaml": kubeletConfig} {
		require.NoError(t, os.WriteFile(filepath.Join(k.dir, name), []byte(strings.ReplaceAll(text, "DIR", k.dir)), 0o644))
	}
	os.Mkdir(filepath.Join(k.dir, "pods"), 0o755)
	t.Cleanup(func() {
		killRest(k.dir)
		Discard(k.dir)
	})
	var what []string
	for _, program := range []string{k.agent + "/kubelet", k.programs + "/containerd", k.programs + "/runc"} {
		said, err := exec.Command(program, "--version").Output()
		require.NoError(t, err)
		what = append(what, strings.SplitN(string(said), "\n", 2)[0])
	}
	k.What = strings.NewReplacer("github.com/containerd/containerd/v2 ", "", "+unknown ", "", "version ", "").Replace(strings.Join(what, ", "))
	k.daemon(t, "containerd", k.programs+"/containerd", "-c", filepath.Join(k.dir, "containerd.toml"))
	k.wait(t, "containerd", func() bool { _, err := k.ctr(nil, "version"); return err == nil })
	return k
}

// daemon runs a program in the kubelet's network until the test ends.
func (k *Kubelet) daemon(t testing.TB, name string, words ...string) {
	t.Helper()
	words = append(inNetwork(k.network), words...)
	command := exec.Command(words[0], words[1:]...)
	command.Env = append(os.Environ(), "PATH="+k.programs+string(filepath.ListSeparator)+os.Getenv("PATH"))
	d, err := launch(command, filepath.Join(k.dir, name+".log"))
	require.NoError(t, err)
	t.Cleanup(func() { d.end(syscall.SIGTERM) })
}

func (k *Kubelet) ctr(stdin io.Reader, words ...string) (string, error) {
	words = append([]string{"--address", filepath.Join(k.dir, "c.sock"), "--namespace", "k8s.io"}, words...)
	command := exec.Command(k.agent+"/ctr", words...)
	command.Stdin = stdin
	out, err := command.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Load loads images that write writes, as `docker save` does.
func (k *Kubelet) Load(t testing.TB, write func(io.Writer) error) {
	t.Helper()
	said, err := k.ctr(piped(write), "images", "import", "-")
	require.NoError(t, err, "ctr images import\n%s", said)
}

// Start starts the kubelet itself. Pause is among the images that were loaded.
func (k *Kubelet) Start(t testing.TB) {
	t.Helper()
	k.daemon(t, "kubelet", k.agent+"/kubelet", "--config", filepath.Join(k.dir, "kubelet.yaml"),
		"--root-dir", filepath.Join(k.dir, "kubelet"), "--hostname-override", "node")
	k.wait(t, "the kubelet", func() bool { _, err := k.pods(); return err == nil })
}

// pod is what the kubelet says of one.
type pod struct {
	Status struct{ ContainerStatuses []container }
}

type container struct {
	Name             string
	State, LastState state
}

type state struct {
	Waiting    *struct{ Reason, Message string }
	Running    *struct{}
	Terminated *struct {
		Reason, Message string
		ExitCode        int
	}
}

func (k *Kubelet) pods() ([]pod, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (c net.Conn, err error) {
			err = within(k.network, func() (err error) { c, err = net.Dial("tcp4", "127.0.0.1:10255"); return err })
			return c, err
		},
	}}
	answer, err := client.Get("http://kubelet/pods")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var list struct{ Items []pod }
	return list.Items, json.NewDecoder(answer.Body).Decode(&list)
}

// Pod describes one by some fields of its own, each with a comma, and those of its containers, all in YAML's flow style.
func Pod(name, fields string, containers ...string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: default}\n"+
		"spec: {hostNetwork: true, terminationGracePeriodSeconds: 1, %s containers: [{imagePullPolicy: Never, %s}]}\n",
		name, fields, strings.Join(containers, "}, {imagePullPolicy: Never, "))
}

// Run starts pods, and gives how each container settles, by its name: where it is refused, in a crash loop, or
// running for some seconds.
func (k *Kubelet) Run(t testing.TB, pods map[string]string) map[string]PodStatus {
	t.Helper()
	for name, pod := range pods {
		require.NoError(t, os.WriteFile(filepath.Join(k.dir, "pods", name+".yaml"), []byte(pod), 0o644))
	}
	seen := map[string]PodStatus{}
	running := map[string]int{}
	k.wait(t, "the pods' end", func() bool {
		list, err := k.pods()
		if err != nil {
			return false
		}
		settled := len(list) == len(pods)
		for _, p := range list {
			settled = settled && len(p.Status.ContainerStatuses) > 0
			for _, c := range p.Status.ContainerStatuses {
				if _, done := seen[c.Name]; done {
					continue
				}
				if status := k.settled(c, running); status != nil {
					seen[c.Name] = *status
				} else {
					settled = false
				}
			}
		}
		return settled
	})
	for name := range pods {
		os.Remove(filepath.Join(k.dir, "pods", name+".yaml"))
	}
	k.wait(t, "the pods to be gone", func() bool { list, err := k.pods(); return err == nil && len(list) == 0 })
	return seen
}

// settled is how a container has settled, if it has.
func (k *Kubelet) settled(c container, running map[string]int) *PodStatus {
	switch waiting, last := c.State.Waiting, c.LastState.Terminated; {
	case c.State.Running != nil:
		if running[c.Name]++; running[c.Name] >= 80 { // the kubelet hears of an end late
			return &PodStatus{Status: "Running"}
		}
	case waiting == nil:
	case waiting.Reason == "CrashLoopBackOff" && last != nil:
		return &PodStatus{Status: waiting.Reason, Reason: last.Reason, Message: last.Message, Exit: &last.ExitCode, Log: k.log(c.Name)}
	case strings.HasPrefix(waiting.Reason, "CreateContainer"), strings.HasPrefix(waiting.Reason, "ErrImage"):
		return &PodStatus{Status: waiting.Reason, Message: waiting.Message}
	}
	return nil
}

// log is what a container wrote when it was first started, of what is still there: the kubelet removes the first ones.
func (k *Kubelet) log(container string) string {
	files, _ := filepath.Glob(filepath.Join(k.dir, "logs", "*", container, "*.log"))
	var lines []string
	for i := 0; i < len(files) && len(lines) == 0; i++ {
		text, _ := os.ReadFile(files[i])
		for line := range strings.Lines(string(text)) {
			if f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4); len(f) == 4 { // time, stream, F or P, text
				lines = append(lines, f[3])
			}
		}
	}
	return strings.Join(lines, "\n")
}

func (k *Kubelet) wait(t testing.TB, what string, until func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !until(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(k.dir, "kubelet.log"))
			own, _ := os.ReadFile(filepath.Join(k.dir, "containerd.log"))
			t.Fatalf("waiting for %s: not within ten minutes\n%s\n%s", what, last(string(own), 1500), last(string(log), 3000))
		}
	}
}
