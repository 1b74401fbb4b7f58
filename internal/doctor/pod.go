package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Pod is what a kubelet does otherwise than docker. The user that Start names is runAsUser.
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
func (x *examination) nonRoot(context.Context) (*finding, error) {
	if x.start.Pod == nil || !x.start.Pod.NonRoot {
		return nil, nil
	}
	asked := Evidence{"the pod forbids root", "securityContext.runAsNonRoot", "true"}
	says := func(words string) Evidence {
		return Evidence{"the kubelet refuses it, in these words", "CreateContainerConfigError", words}
	}
	if own := x.start.User; own != "" {
		if own != "0" {
			return nil, nil
		}
		fix := Fix{"Set runAsUser to another number, or leave it to the image's USER.", "runAsUser: 12345"}
		return &finding{cause: RunAsNonRootRoot, missing: own, fix: &fix, facts: facts{User: own}, evidence: []Evidence{asked,
			{"and names root itself", "securityContext.runAsUser", own}, says("container's runAsUser breaks non-root policy")}}, nil
	}
	name, _, _ := strings.Cut(x.config.User, ":")
	is := Evidence{"the image's config names the user", "config.User", fmt.Sprintf("%q", x.config.User)}
	uid, err := strconv.ParseInt(cmp.Or(name, "0"), 10, 64)
	switch {
	case err != nil:
		return &finding{cause: RunAsNonRootName, missing: name, facts: facts{User: name}, evidence: []Evidence{asked, is,
			says("container has runAsNonRoot and image has non-numeric user (" + name + "), cannot verify user is non-root")}}, nil
	case uid == 0:
		return &finding{cause: RunAsNonRootRoot, missing: name, facts: facts{User: name}, evidence: []Evidence{asked, is,
			says("container has runAsNonRoot and image will run as root")}}, nil
	}
	return nil, nil
}
