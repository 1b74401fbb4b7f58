package bench

import "syscall"

// OwnCPU gives the seconds of processor time that this process has used, without
// those of the programs that it ran.
func OwnCPU() float64 {
	process, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, exited, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(process, &created, &exited, &kernel, &user) != nil {
		return 0
	}
	// Units of 100 ns; Filetime.Nanoseconds counts from another epoch.
	seconds := func(t syscall.Filetime) float64 {
		return float64(uint64(t.HighDateTime)<<32|uint64(t.LowDateTime)) / 1e7
	}
	return seconds(kernel) + seconds(user)
}
