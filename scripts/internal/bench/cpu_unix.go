//go:build unix

package bench

import "syscall"

// OwnCPU gives the seconds of processor time that this process has used, without
// those of the programs that it ran.
func OwnCPU() float64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(used.Utime) + seconds(used.Stime)
}
