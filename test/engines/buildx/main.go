// A buildx for the tests, without the part for Kubernetes and its client: half as
// much to compile. As docker's plugin it does what they need of cmd/buildx.
package main

import (
	"fmt"
	"os"

	"github.com/docker/buildx/commands"
	_ "github.com/docker/buildx/driver/docker"
	_ "github.com/docker/buildx/driver/docker-container"
	_ "github.com/docker/buildx/driver/remote"
	"github.com/docker/cli/cli-plugins/manager"
	"github.com/docker/cli/cli-plugins/plugin"
	"github.com/docker/cli/cli/command"
	"github.com/moby/buildkit/solver/errdefs"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto"
)

func main() {
	docker, err := command.NewDockerCli()
	if err == nil {
		about := manager.Metadata{SchemaVersion: "0.1.0", Vendor: "Docker Inc.", Version: "v0.20.1"}
		err = plugin.RunPlugin(docker, commands.NewRootCmd("buildx", true, docker), about)
	}
	if err == nil {
		return
	}
	for _, source := range errdefs.Sources(err) {
		source.Print(os.Stderr)
	}
	fmt.Fprintln(os.Stderr, "ERROR:", err)
	os.Exit(1)
}
