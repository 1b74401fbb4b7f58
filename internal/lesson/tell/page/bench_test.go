package page

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMediansAndRatios(t *testing.T) {
	r := BenchRow{Hand: []float64{100, 90, 200}, Tool: []float64{60, 40, 70}}
	assert.InDelta(t, 0.6, r.Ratio(), 1e-9)
	assert.InDelta(t, 0.35, r.Best(), 1e-9)
	r.Bare = []float64{80, 50, 90}
	assert.InDelta(t, 0.8, r.Floor(), 1e-9)
	assert.Equal(t, 2.0, Median([]float64{3, 1, 2, 9}))
}
