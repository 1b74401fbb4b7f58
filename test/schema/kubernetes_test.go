package schema

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/kubernetes/pkg/securitycontext"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/workload"
)

// text is a value that may stand where Kubernetes has a string.
func (m *maker) text() string {
	if m.IntN(60) == 0 {
		return m.one("yes", "on", "n", "1", "010", "0x1f", "1e3", "1_000", "0b1", ".inf", "true", "2020-01-01", "12:30:00", "[a]", "=")
	}
	return m.one("a", "/bin/a", "'yes'", "\"1\"", "''", "~", "!!str 1", "x y", "1.2.3", "$A", `"$(A)"`, `"$$(A)"`, `"$(B)/$(A)"`,
		`"$(A $(B)"`, `"$(A$$)$$$(B)"`, `"$("`, `"a$"`, `"$()"`, `"$(PATH):$(C)"`, `"$$$$(A)$(A"`, `"\u00e4$\u00e4$(A)"`)
}

func (m *maker) security(more ...string) string {
	number := func() string {
		return m.one("0", "1", "1000", "010", "5.0", "1e3", "0x10", "-1", "~", "4294967296", m.one("1", "2", "3", "\"5\"", "yes", "a"))
	}
	nonRoot := m.one("true", "false", "~", m.one("yes", "On", "true", "1", "'true'", "a"))
	return m.fields("", append(more, "runAsUser", number(), "runAsGroup", number(), "runAsNonRoot", nonRoot)...)
}

func (m *maker) container() string {
	variable := func() string {
		value := m.one("", ", value: "+m.text(), ", value: "+m.text(), ", valueFrom: {fieldRef: {fieldPath: metadata.name}}")
		return "{name: " + m.one("A", "B", "C", "PATH") + value + "}"
	}
	texts := func() string { return "[" + m.some(3, m.text) + "]" }
	some := func() string { return m.one("[]", "[ALL]", "[NET_ADMIN, CAP_CHOWN]") }
	security := m.security("privileged", m.one("true", "false", "~"), "capabilities", m.fields("", "add", some(), "drop", some()))
	return m.fields("name: c, image: "+m.one("a", "registry:5000/a@sha256:1"), "command", texts(), "args", texts(), "workingDir", m.text(),
		"env", "["+m.some(4, variable)+"]", "envFrom", m.one("[{secretRef: {name: a}}]", "~"),
		"volumeMounts", "[{name: v, mountPath: /v/}]", "securityContext", security)
}

// within are the resources that hold a pod.
var within = []string{"apiVersion: v1, kind: Pod, POD", "apiVersion: v1, kind: PodTemplate, template: {POD}",
	"apiVersion: v1, kind: ReplicationController, spec: {template: {POD}}",
	"apiVersion: apps/v1, kind: Deployment, spec: {template: {POD}}",
	"apiVersion: apps/v1, kind: StatefulSet, spec: {template: {POD}}", "apiVersion: apps/v1, kind: DaemonSet, spec: {template: {POD}}",
	"apiVersion: apps/v1, kind: ReplicaSet, spec: {template: {POD}}", "apiVersion: batch/v1, kind: Job, spec: {template: {POD}}",
	"apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: {POD}}}}"}

func (m *maker) resource() string {
	selector := m.one("{kubernetes.io/arch: arm64}", "{kubernetes.io/os: linux}", "{a: b}")
	security := m.security("fsGroup", "7", "supplementalGroups", "[8, 9]")
	pod := m.fields("", "securityContext", security, "nodeSelector", selector, "initContainers", "["+m.some(2, m.container)+"]",
		"containers", "["+m.some(2, m.container)+"]", "ephemeralContainers", "["+m.container()+"]")
	return "{" + strings.Replace(m.one(within...), "POD", "spec: "+pod, 1) + "}"
}

// pods are the pods' descriptions in a resource, wherever its type has them.
func pods(v reflect.Value) (all []v1.PodSpec) {
	switch {
	case v.Type() == reflect.TypeFor[v1.PodSpec]():
		return []v1.PodSpec{v.Interface().(v1.PodSpec)}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return pods(v.Elem())
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			all = append(all, pods(v.Field(i))...)
		}
	}
	return all
}

// kubelets is what the kubelet asks of a runtime; what comes from elsewhere is not told.
func kubelets(pod v1.PodSpec, c v1.Container) workload.Container {
	env, open := map[string]string{}, map[string]bool{}
	expand := func(text string) (value string, known bool) {
		known = true
		return expansion.Expand(text, func(name string) string {
			_, set := env[name]
			known = known && !open[name] && (set || c.EnvFrom == nil)
			return expansion.MappingFuncFor(env)(name)
		}), known
	}
	for _, e := range c.Env { // makeEnvironmentVariables in kubelet_pods.go
		value, known := expand(e.Value)
		env[e.Name] = value
		if open[e.Name] = !known || e.Value == "" && e.ValueFrom != nil; open[e.Name] {
			delete(env, e.Name)
		}
	}
	words := func(given []string) (all []string) {
		for _, word := range given {
			value, _ := expand(word)
			all = append(all, value)
		}
		return all
	}
	s := securitycontext.DetermineEffectiveSecurityContext(&v1.Pod{Spec: pod}, &c)
	is := workload.Container{Name: c.Name, Image: c.Image, Options: doctor.Options{Workdir: c.WorkingDir, Args: words(c.Args),
		Mounts:     map[string]bool{},
		Privileged: s.Privileged != nil && *s.Privileged, Pod: &doctor.Pod{NonRoot: s.RunAsNonRoot != nil && *s.RunAsNonRoot}}}
	if of := pod.SecurityContext; of != nil {
		for _, group := range append(of.SupplementalGroups, *cmp.Or(of.FSGroup, new(int64))) {
			if group > 0 {
				is.Options.Groups = append(is.Options.Groups, int(group))
			}
		}
	}
	for name, value := range env {
		is.Options.Env = append(is.Options.Env, name+"="+value)
	}
	if command := words(c.Command); command != nil {
		is.Options.Entrypoint = &command
	}
	for _, m := range c.VolumeMounts {
		is.Options.Mounts[path.Clean(m.MountPath)] = false
	}
	if arch := pod.NodeSelector["kubernetes.io/arch"]; arch != "" {
		is.Platform = "linux/" + arch
	}
	if s.RunAsUser != nil {
		is.Options.User = fmt.Sprint(*s.RunAsUser)
	}
	if s.RunAsGroup != nil {
		is.Options.Pod.Group = fmt.Sprint(*s.RunAsGroup)
	}
	if s.Capabilities != nil {
		is.Options.CapAdd, is.Options.CapDrop = list(s.Capabilities.Add), list(s.Capabilities.Drop)
	}
	return is
}

// What is read of a pod is what Kubernetes' own types, and the kubelet's own functions, make of it.
func TestPods(t *testing.T) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme} {
		require.NoError(t, add(scheme))
	}
	agree(t, 4000, (*maker).resource, func(file string) (all []workload.Container, err error) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		object, _, err := serializer.NewCodecFactory(scheme).UniversalDeserializer().Decode(text, nil, nil)
		if err != nil {
			return nil, err
		}
		for _, spec := range pods(reflect.ValueOf(object)) {
			for _, c := range spec.EphemeralContainers {
				spec.Containers = append(spec.Containers, v1.Container(c.EphemeralContainerCommon))
			}
			for i, c := range append(spec.InitContainers, spec.Containers...) {
				all = append(all, kubelets(spec, c))
				all[len(all)-1].Init = i < len(spec.InitContainers)
			}
		}
		return all, nil
	})
}
