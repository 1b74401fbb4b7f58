package run

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheOthersWaitUntilTheSharedInstructionsAreThere(t *testing.T) {
	first, other := &job{}, &job{}
	b := startWith(first)
	require.NoError(t, b.wait(context.Background(), first), "the first waits for nobody")
	ended, stop := context.WithCancel(context.Background())
	stop()
	for _, instruction := range []string{"FROM x", "RUN adduser echo", "COPY . ."} {
		first.request.At(instruction)
		assert.Error(t, b.wait(ended, other), "%s is not done yet", instruction)
	}
	first.request.At("RUN go build -o echo .")
	assert.NoError(t, b.wait(context.Background(), other))

	b = startWith(first)
	b.made(other)
	assert.Error(t, b.wait(ended, other), "only the first makes the beginning")
	b.made(first)
	assert.NoError(t, b.wait(context.Background(), other), "a first build that failed early holds nobody up")

	var none *sharedStart
	assert.NoError(t, none.wait(context.Background(), other))
}
