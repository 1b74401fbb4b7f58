package engines

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// Disk gives a folder that is a disk of its own, of so many bytes. It takes root.
func Disk(t testing.TB, bytes int64) string {
	t.Helper()
	Root(t, "a disk of the test's own")
	dir, err := os.MkdirTemp("", "od-disk-")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", bytes)); err != nil {
		os.Remove(dir)
		Without(t, fmt.Sprintf("a disk of the test's own: %v", err))
	}
	t.Cleanup(func() {
		unmount(dir)
		syscall.Unmount(dir, syscall.MNT_DETACH)
		os.Remove(dir)
	})
	return dir
}

// ReadOnly makes a Disk one that cannot be written to.
func ReadOnly(t testing.TB, disk string) {
	t.Helper()
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
