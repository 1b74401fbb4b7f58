package ready

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// As busybox and coreutils print it.
const roomy = "overlay              264212084  30783496  64717768  32% /\nMemAvailable:   22616564 kB\ncompiled\n"

func TestDiskAndMemoryAreReadAndWeighed(t *testing.T) {
	for name, c := range map[string]struct {
		got  Check
		lack string
	}{
		"enough disk":    {disk(roomy, "docker"), ""},
		"a full disk":    {disk("overlay 264212084 263000000 1212084 100% /\n", "docker"), "1.24GB free for the engine, 1.5GB needed"},
		"no disk said":   {disk("df: /: can't find mount point\n", "docker"), "a container did not tell how much is free"},
		"enough memory":  {memory(roomy, "docker"), ""},
		"little memory":  {memory("overlay 1 1 1 1% /\nMemAvailable:     812000 kB\n", "docker"), "831MB free for the engine, 1GB needed"},
		"no memory said": {memory("overlay 1 1 1 1% /\n", "docker"), "a container did not tell how much is free"},
	} {
		assert.Equal(t, c.lack, c.got.Lack, name)
		if c.lack != "" && !c.got.Unclear {
			assert.NotEmpty(t, c.got.Fix, "%s: each lack comes with its fix", name)
		}
	}
}
