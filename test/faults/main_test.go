package faults

import (
	"os"
	"testing"

	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

func TestMain(m *testing.M) {
	if !engines.Wanted() {
		status := m.Run()
		tool.Remove()
		os.Exit(status)
	}
	os.Exit(tool.Main(m))
}
