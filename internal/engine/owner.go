package engine

import (
	"fmt"
	"os"
)

// Repository is the name under which all our images are tagged; a step is
// Repository:02-multistage, a rebuilt base Repository:base-….
const Repository = "optimizing-dockerfile"

// Labels on all that this tool makes in an engine. What lacks them is somebody else's.
const (
	// LabelMade says what it is: one of the Made values. A container or image
	// inherits its image's labels, so the value counts, not the presence.
	LabelMade = "optimizing-dockerfile.made"
	// LabelOwner names the process that is responsible for a container: PID@HOST.
	LabelOwner = "optimizing-dockerfile.owner"
)

// Values of LabelMade.
const (
	MadeStep  = "step"  // the image of a step
	MadeBase  = "base"  // a rebuilt base
	MadeTrial = "trial" // a container that runs a step, or that is only created to read an image
)

// Ours gives the options that mark a container of `create` or `run` as this process's.
func Ours() []string {
	return append(Kept(), "--label", LabelOwner+"="+owner())
}

func owner() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%d@%s", os.Getpid(), host)
}

// Kept gives the options that mark a container as ours, to stay when this process ends.
func Kept() []string { return []string{"--label", LabelMade + "=" + MadeTrial} }
