// The test of internal/dockerfile against BuildKit's own parser, which asks for a newer
// Go than the tool does: so it is a module of its own.
module optimizing-dockerfile/test/dockerfile

go 1.26.8

require (
	github.com/moby/buildkit v0.34.2
	github.com/stretchr/testify v1.12.1
	optimizing-dockerfile v0.0.0
)

require (
	github.com/containerd/typeurl/v2 v2.3.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/planetscale/vtprotobuf v0.6.1-0.20240319094008-0393e58bdf10 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace optimizing-dockerfile => ../..
