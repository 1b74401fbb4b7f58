package image

import (
	"fmt"
	"strings"
)

// Platform is what an image is for, in Go's words: linux and amd64.
type Platform struct{ OS, Arch string }

// String writes it as --platform takes it; "" for none.
func (p Platform) String() string {
	if p == (Platform{}) {
		return ""
	}
	return p.OS + "/" + p.Arch
}

// ParsePlatform reads OS/ARCH; what follows it, a variant, is passed over.
func ParsePlatform(text string) (Platform, error) {
	f := strings.Split(text, "/")
	if len(f) < 2 || len(f) > 3 || f[0] == "" || f[1] == "" {
		return Platform{}, fmt.Errorf("%q is no platform; write linux/amd64 or linux/arm64", text)
	}
	return Platform{OS: f[0], Arch: f[1]}, nil
}

// MarshalText writes it into a document.
func (p Platform) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads it there.
func (p *Platform) UnmarshalText(text []byte) (err error) {
	if len(text) > 0 {
		*p, err = ParsePlatform(string(text))
	}
	return err
}
