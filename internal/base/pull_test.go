package base

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What engines really say of a registry that gives nothing, and what it comes to.
func TestARefusedPullIsSaidAsWhatItIs(t *testing.T) {
	const name = `failed to resolve reference "docker.io/library/golang:1": `
	for want, all := range map[string][]string{
		"pull limit": {
			"toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating",
			"unknown: " + name + "unexpected status from HEAD request to https://registry-1.docker.io/v2/x: 429 Too Many Requests",
			"Error: initializing source docker://golang:1: reading manifest 1 in docker.io/library/golang: toomanyrequests: slow down",
		},
		"certificate": {
			`Get "https://registry-1.docker.io/v2/": x509: certificate signed by unknown authority`,
			name + "failed to do request: tls: failed to verify certificate: x509: certificate signed by unknown authority",
		},
		"wants a login": {
			"unauthorized",
			"Get https://registry-1.docker.io/v2/x: unauthorized: incorrect username or password",
		},
		"no such image": {
			"pull access denied for x, repository does not exist or may require 'docker login': denied",
			"manifest for golang:9 not found: manifest unknown: manifest unknown",
		},
		"broke off": {
			"short read: expected 218874368 bytes but got 1015808: unexpected EOF",
			"read tcp 10.0.0.2:41522->104.16.99.215:443: read: connection reset by peer",
		},
		"": {
			`Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout`,
			`Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host`,
			"failed to register layer: write /usr/local/go/pkg/linux_amd64_4290/net.a: no space left on device",
		},
	} {
		for _, words := range all {
			err := understood(words, "docker", "docker pull golang:1")
			assert.Contains(t, err.Error(), words, "the engine's own words stay")
			var known *refusal
			if !assert.Equal(t, want != "", errors.As(err, &known), words) || want == "" {
				continue
			}
			assert.Contains(t, known.what, want, words)
			assert.True(t, strings.HasSuffix(known.way, "docker pull golang:1"), known.way)
			assert.NotContains(t, known.way, "%", "every word is filled in")
		}
	}
}
