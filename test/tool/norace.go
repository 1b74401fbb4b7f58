//go:build !race

package tool

// raceFlag has the program compiled as its tests are.
var raceFlag []string
