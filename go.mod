module optimizing-dockerfile

go 1.25.0

require (
	github.com/aymanbagabas/go-udiff v0.4.1 // the diff of two steps' Dockerfiles
	github.com/chromedp/cdproto v0.0.0-20250724212937-08a3db8b4327 // the browser's protocol, for the test of the report
	github.com/chromedp/chromedp v0.14.2 // drives Chromium, to look at the report in a test
	github.com/compose-spec/compose-go/v2 v2.16.2 // the variables of a compose file and of its .env; its two small packages for that alone
	github.com/creack/pty v1.1.24 // a pseudo-terminal, for the tests of learn and of a pull's progress
	github.com/docker/go-units v0.5.0 // sizes as the engines write them: 10.1MB
	github.com/gofrs/flock v0.13.0 // the lock on the folder of downloads, which ends with its holder
	github.com/google/go-containerregistry v0.22.1 // manifests and configs of images in tarballs and OCI layouts
	github.com/klauspost/compress v1.20.4 // zstd layers; gzip of a bundle
	github.com/mattn/go-shellwords v1.0.12 // the words of a compose file's command, as compose itself makes them
	github.com/moby/sys/user v0.5.0 // resolves USER as the daemon itself does
	github.com/rogpeppe/go-internal v1.16.0 // testscript: the command line tested by scripts
	github.com/spf13/cobra v1.10.2 // the command line
	github.com/stretchr/testify v1.12.1 // assertions of the tests, as in the app's
	go.yaml.in/yaml/v3 v3.0.6 // steps.yaml and bases.yaml, strictly, with line numbers
	golang.org/x/mod v0.40.0 // the escaping of module paths
	golang.org/x/net v0.58.0 // reads the report's HTML, in its test
	golang.org/x/sync v0.22.0 // downloads side by side
	golang.org/x/sys v0.47.0 // drops what was typed before a question; enters the network of a test's own engine
	golang.org/x/term v0.45.0 // whether it is a terminal, and how wide
	golang.org/x/tools v0.49.0 // loads the packages as for another system, in a test
)

require (
	github.com/chromedp/sysutil v1.1.0 // indirect
	github.com/docker/cli v29.7.2+incompatible // indirect
	github.com/docker/docker-credential-helpers v0.9.3 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/pool v0.2.1 // indirect
	github.com/gobwas/ws v1.4.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	github.com/sirupsen/logrus v1.10.1 // indirect
	github.com/spf13/pflag v1.0.10 // indirect
)
