package workload

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/doctor"
)

// resource is what has a pod's description in it: k8s.io/api's Pod, PodTemplate, Deployment, StatefulSet, DaemonSet,
// ReplicaSet, ReplicationController, Job and CronJob, and what others have made in their shape.
type resource struct {
	Metadata struct {
		Name         string `yaml:"name"`
		GenerateName string `yaml:"generateName"`
	} `yaml:"metadata"`
	Template podTemplate `yaml:"template"`
	Spec     struct {
		podSpec     `yaml:",inline"`
		Template    podTemplate `yaml:"template"`
		JobTemplate struct {
			Spec struct {
				Template podTemplate `yaml:"template"`
			} `yaml:"spec"`
		} `yaml:"jobTemplate"`
	} `yaml:"spec"`
}

type podTemplate struct {
	Spec podSpec `yaml:"spec"`
}

// What follows is what is read of Kubernetes' types of these names.
type podSpec struct {
	InitContainers      []podContainer    `yaml:"initContainers"`
	Containers          []podContainer    `yaml:"containers"`
	EphemeralContainers []podContainer    `yaml:"ephemeralContainers"`
	SecurityContext     securityContext   `yaml:"securityContext"`
	NodeSelector        map[string]string `yaml:"nodeSelector"`
	Volumes             []struct {
		Name     text      `yaml:"name"`
		EmptyDir *struct{} `yaml:"emptyDir"`
	} `yaml:"volumes"`
}

type podContainer struct {
	Name       text  `yaml:"name"`
	Image      text  `yaml:"image"`
	Command    texts `yaml:"command"`
	Args       texts `yaml:"args"`
	WorkingDir text  `yaml:"workingDir"`
	Env        []struct {
		Name      text      `yaml:"name"`
		Value     text      `yaml:"value"`
		ValueFrom *struct{} `yaml:"valueFrom"`
	} `yaml:"env"`
	EnvFrom         []struct{}      `yaml:"envFrom"`
	SecurityContext securityContext `yaml:"securityContext"`
	VolumeMounts    []struct {
		Name      text `yaml:"name"`
		MountPath text `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

// securityContext is a container's, or a pod's: runAsUser, runAsGroup and runAsNonRoot of both, and of those the container's count first.
type securityContext struct {
	FSGroup            *int   `yaml:"fsGroup"`
	SupplementalGroups []int  `yaml:"supplementalGroups"`
	RunAsUser          *int64 `yaml:"runAsUser"`
	RunAsGroup         *int64 `yaml:"runAsGroup"`
	RunAsNonRoot       *bool  `yaml:"runAsNonRoot"`
	Privileged         bool   `yaml:"privileged"`
	Capabilities       struct {
		Add  texts `yaml:"add"`
		Drop texts `yaml:"drop"`
	} `yaml:"capabilities"`
}

// fromPod are the doctor's options, as a pod calls them.
var fromPod = map[string]string{
	"--entrypoint": "command", "ARGS": "args", "--workdir": "workingDir", "--user": "securityContext.runAsUser", "--env": "env",
}

// own are Kubernetes' kinds: what cannot be read of them is an error, of others it is nothing of ours.
var own = strings.Fields("Pod PodTemplate Deployment StatefulSet DaemonSet ReplicaSet ReplicationController Job CronJob")

// switches are words that are true or false in YAML 1.1, which Kubernetes reads, and strings in today's.
var switches = regexp.MustCompile(`^(?:[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$`)

func kubernetes(kind string, n *yaml.Node) (all []Container, err error) {
	if err := values(n, func(scalar *yaml.Node) error {
		if scalar.Style == 0 && switches.MatchString(scalar.Value) {
			scalar.Tag = "!1.1"
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var r resource
	if err := n.Decode(&r); err != nil {
		if !slices.Contains(own, kind) {
			return nil, nil
		}
		return nil, err
	}
	for _, pod := range []podSpec{r.Spec.podSpec, r.Spec.Template.Spec, r.Spec.JobTemplate.Spec.Template.Spec, r.Template.Spec} {
		for i, c := range slices.Concat(pod.InitContainers, pod.Containers, pod.EphemeralContainers) {
			one := pod.container(c)
			one.Owner = kind + "/" + cmp.Or(r.Metadata.Name, r.Metadata.GenerateName, "?")
			one.Init = i < len(pod.InitContainers)
			all = append(all, one)
		}
	}
	return all, nil
}

func (p podSpec) container(c podContainer) Container {
	one := Container{Name: string(c.Name), Image: string(c.Image)}
	if arch := p.NodeSelector["kubernetes.io/arch"]; arch != "" {
		one.Platform = cmp.Or(p.NodeSelector["kubernetes.io/os"], "linux") + "/" + arch
	}
	security := c.SecurityContext
	number := func(own, pods *int64) string {
		if n := cmp.Or(own, pods); n != nil {
			return fmt.Sprint(*n)
		}
		return ""
	}
	groups := p.SecurityContext.SupplementalGroups
	if fs := p.SecurityContext.FSGroup; fs != nil {
		groups = append(groups, *fs)
	}
	nonRoot := cmp.Or(security.RunAsNonRoot, p.SecurityContext.RunAsNonRoot)
	one.Options = doctor.Options{
		User: number(security.RunAsUser, p.SecurityContext.RunAsUser), Workdir: string(c.WorkingDir), Privileged: security.Privileged,
		Groups: groups, CapAdd: security.Capabilities.Add, CapDrop: security.Capabilities.Drop,
		Pod:    &doctor.Pod{NonRoot: nonRoot != nil && *nonRoot, Group: number(security.RunAsGroup, p.SecurityContext.RunAsGroup)},
		Called: fromPod, Open: map[string]bool{}, Mounts: p.mounts(c),
	}
	if len(c.EnvFrom) > 0 {
		one.Notes = append(one.Notes, "envFrom is not read; it may set PATH, too")
	}
	vars := &variables{values: map[string]*string{}, anyOpen: len(c.EnvFrom) > 0, left: mostFilled}
	for _, e := range c.Env {
		value, open := vars.expand(string(e.Value))
		vars.values[string(e.Name)] = &value
		if open || e.Value == "" && e.ValueFrom != nil {
			vars.values[string(e.Name)] = nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(vars.values)) {
		if value := vars.values[name]; value != nil {
			one.Options.Env = append(one.Options.Env, name+"="+*value)
		} else if name == "PATH" {
			one.Options.Open[name] = true
		}
	}
	words := func(given []string) (all []string) {
		for _, word := range given {
			value, open := vars.expand(word)
			if all = append(all, value); open {
				one.Options.Open[value] = true
			}
		}
		return all
	}
	command := words(c.Command)
	one.Options.Args = words(c.Args)
	if vars.left < 0 {
		one.Unknown = fmt.Sprintf("its variables become more than %d bytes", mostFilled)
	}
	if len(command) > 0 {
		one.Options.Entrypoint = &command
	}
	return one
}

// mounts are the places over which the pod mounts something; an emptyDir is empty unless an init container fills it.
func (p podSpec) mounts(c podContainer) map[string]bool {
	all, empty := map[string]bool{}, map[text]bool{}
	for _, v := range p.Volumes {
		empty[v.Name] = v.EmptyDir != nil && len(p.InitContainers)+len(p.Containers) == 1
	}
	for _, m := range c.VolumeMounts {
		all[path.Clean("/"+string(m.MountPath))] = empty[m.Name]
	}
	return all
}

// variables are those of a container, as a kubelet knows them.
type variables struct {
	values  map[string]*string // nil: the value comes from elsewhere
	anyOpen bool               // all others may come from elsewhere, too
	left    int                // bytes that they may become
}

// reference is what a kubelet fills in.
var reference = regexp.MustCompile(`\$(?:\$|\([^)]*\))`)

// expand fills in $(NAME) as a kubelet does: $$ is a dollar, and a name that is not known stays as it is. open: there is one
// whose value comes from elsewhere.
func (v *variables) expand(word string) (filled string, open bool) {
	filled = reference.ReplaceAllStringFunc(word, func(found string) string {
		if found == "$$" {
			return "$"
		}
		value, declared := v.values[found[2:len(found)-1]]
		if value != nil {
			if v.left -= len(*value); v.left >= 0 {
				return *value
			}
			return found
		}
		open = open || declared || v.anyOpen
		return found
	})
	return filled, open
}
