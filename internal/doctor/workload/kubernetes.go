package workload

import (
	"cmp"
	"fmt"
	"path"
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
	Template template `yaml:"template"`
	Spec     struct {
		PodSpec     `yaml:",inline"`
		Template    template `yaml:"template"`
		JobTemplate struct {
			Spec struct {
				Template template `yaml:"template"`
			} `yaml:"spec"`
		} `yaml:"jobTemplate"`
	} `yaml:"spec"`
}

type template struct {
	Spec PodSpec `yaml:"spec"`
}

// PodSpec is what is read of Kubernetes' PodSpec.
type PodSpec struct {
	InitContainers  []PodContainer     `yaml:"initContainers"`
	Containers      []PodContainer     `yaml:"containers"`
	SecurityContext PodSecurityContext `yaml:"securityContext"`
	NodeSelector    map[string]string  `yaml:"nodeSelector"`
	Volumes         []Volume           `yaml:"volumes"`
}

// PodContainer is what is read of Kubernetes' Container.
type PodContainer struct {
	Name            string          `yaml:"name"`
	Image           string          `yaml:"image"`
	Command         []Text          `yaml:"command"`
	Args            []Text          `yaml:"args"`
	WorkingDir      string          `yaml:"workingDir"`
	Env             []EnvVar        `yaml:"env"`
	EnvFrom         []yaml.Node     `yaml:"envFrom"`
	SecurityContext SecurityContext `yaml:"securityContext"`
	VolumeMounts    []VolumeMount   `yaml:"volumeMounts"`
}

// EnvVar is what is read of Kubernetes' EnvVar.
type EnvVar struct {
	Name      string    `yaml:"name"`
	Value     Text      `yaml:"value"`
	ValueFrom yaml.Node `yaml:"valueFrom"`
}

// Volume is what is read of Kubernetes' Volume.
type Volume struct {
	Name     string    `yaml:"name"`
	EmptyDir yaml.Node `yaml:"emptyDir"`
}

// VolumeMount is what is read of Kubernetes' VolumeMount.
type VolumeMount struct {
	Name      string `yaml:"name"`
	MountPath string `yaml:"mountPath"`
}

// PodSecurityContext is what is read of Kubernetes' PodSecurityContext.
type PodSecurityContext struct {
	RunAsUser    *int64 `yaml:"runAsUser"`
	RunAsGroup   *int64 `yaml:"runAsGroup"`
	RunAsNonRoot *bool  `yaml:"runAsNonRoot"`
}

// SecurityContext is what is read of Kubernetes' SecurityContext.
type SecurityContext struct {
	PodSecurityContext `yaml:",inline"`
	Privileged         *bool        `yaml:"privileged"`
	Capabilities       Capabilities `yaml:"capabilities"`
}

// Capabilities is Kubernetes' type of that name.
type Capabilities struct {
	Add  []string `yaml:"add"`
	Drop []string `yaml:"drop"`
}

// Text is a string, and nothing that only looks like one: Kubernetes takes no number for it.
type Text string

// UnmarshalYAML is yaml's.
func (t *Text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return fmt.Errorf("line %d: %q is no string: put it in quotes", n.Line, n.Value)
	}
	*t = Text(n.Value)
	return nil
}

// fromPod are the doctor's options, as a pod calls them.
var fromPod = map[string]string{"--entrypoint": "command", "ARGS": "args", "--workdir": "workingDir", "--user": "securityContext.runAsUser", "--env": "env"}

// own are Kubernetes' kinds: what cannot be read of them is an error, of others it is nothing of ours.
var own = strings.Fields("Pod PodTemplate Deployment StatefulSet DaemonSet ReplicaSet ReplicationController Job CronJob")

func kubernetes(kind string, n *yaml.Node) (all []Container, err error) {
	var r resource
	if err := n.Decode(&r); err != nil {
		if !slices.Contains(own, kind) {
			return nil, nil
		}
		return nil, err
	}
	for _, pod := range []PodSpec{r.Spec.PodSpec, r.Spec.Template.Spec, r.Spec.JobTemplate.Spec.Template.Spec, r.Template.Spec} {
		for i, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			one := pod.container(c)
			one.Owner = kind + "/" + cmp.Or(r.Metadata.Name, r.Metadata.GenerateName, "?")
			one.Init = i < len(pod.InitContainers)
			all = append(all, one)
		}
	}
	return all, nil
}

func (p PodSpec) container(c PodContainer) Container {
	one := Container{Name: c.Name, Image: c.Image}
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
	nonRoot := cmp.Or(security.RunAsNonRoot, p.SecurityContext.RunAsNonRoot)
	one.Start = doctor.Start{
		User: number(security.RunAsUser, p.SecurityContext.RunAsUser), Workdir: c.WorkingDir,
		Privileged: security.Privileged != nil && *security.Privileged,
		CapAdd:     security.Capabilities.Add, CapDrop: security.Capabilities.Drop,
		Pod:    &doctor.Pod{NonRoot: nonRoot != nil && *nonRoot, Group: number(security.RunAsGroup, p.SecurityContext.RunAsGroup)},
		Called: fromPod, Mounts: p.mounts(c),
	}
	vars := c.variables(&one)
	command, args := vars.expand(c.Command), vars.expand(c.Args)
	if len(command) > 0 {
		one.Start.Entrypoint = &command
	}
	one.Start.Args = args
	if len(command) == 0 {
		command = args
	}
	if name := vars.openIn(command); name != "" {
		one.Unknown = "the program's name has $(" + name + ") in it, whose value the file does not say"
	}
	return one
}

// mounts are the places over which the pod mounts something; an emptyDir is empty unless an init container fills it.
func (p PodSpec) mounts(c PodContainer) map[string]bool {
	all := map[string]bool{}
	for _, m := range c.VolumeMounts {
		at := slices.IndexFunc(p.Volumes, func(v Volume) bool { return v.Name == m.Name })
		all[path.Clean("/"+m.MountPath)] = at >= 0 && p.Volumes[at].EmptyDir.Kind != 0 && len(p.InitContainers)+len(p.Containers) == 1
	}
	return all
}

// variables are those of a container, as a kubelet knows them.
type variables struct {
	values map[string]string
	open   map[string]bool // whose value comes from elsewhere
	any    bool            // others may come from elsewhere, too
}

func (c PodContainer) variables(one *Container) variables {
	v := variables{map[string]string{}, map[string]bool{}, len(c.EnvFrom) > 0}
	for _, e := range c.Env {
		value := v.expand([]Text{e.Value})[0]
		if e.ValueFrom.Kind != 0 || v.openIn([]string{value}) != "" {
			v.open[e.Name] = true
			if e.Name == "PATH" {
				one.Notes = append(one.Notes, "where PATH comes from is not read")
			}
			continue
		}
		v.values[e.Name] = value
		one.Start.Env = append(one.Start.Env, e.Name+"="+value)
	}
	if v.any {
		one.Notes = append(one.Notes, "envFrom is not read; it may set PATH, too")
	}
	return v
}

// expand fills in $(NAME) as a kubelet does: $$ is a dollar, and a name that is not known stays as it is.
func (v variables) expand(words []Text) (all []string) {
	for _, word := range words {
		text, out := string(word), ""
		for {
			before, after, found := strings.Cut(text, "$")
			if out += before; !found {
				break
			}
			name, rest, closed := strings.Cut(strings.TrimPrefix(after, "("), ")")
			value, known := v.values[name]
			switch {
			case strings.HasPrefix(after, "$"):
				out, text = out+"$", after[1:]
			case strings.HasPrefix(after, "(") && closed && known:
				out, text = out+value, rest
			default:
				out, text = out+"$", after
			}
		}
		all = append(all, out)
	}
	return all
}

// openIn gives the name in a program's words whose value comes from elsewhere; "" none.
func (v variables) openIn(words []string) string {
	if len(words) == 0 {
		return ""
	}
	_, after, _ := strings.Cut(words[0], "$(")
	name, _, closed := strings.Cut(after, ")")
	if closed && (v.open[name] || v.any) {
		return name
	}
	return ""
}
