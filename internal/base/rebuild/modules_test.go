package rebuild

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A user who has turned the checksum database off still gets a release that is vouched for.
func TestTheChecksumDatabaseIsGosOwn(t *testing.T) {
	t.Setenv("GOSUMDB", "off")
	name, err := checksumDatabase(t.Context())
	require.NoError(t, err)
	assert.Regexp(t, `^[a-z.]+$`, name)
	assert.NotEqual(t, "off", name)
}
