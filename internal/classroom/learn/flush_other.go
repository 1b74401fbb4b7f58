//go:build !linux

package learn

// flush drops nothing: where each system has its own call, a line that is not ended yet stays.
func flush(int) {}
