package screen

import (
	"fmt"
	"os"
)

// Reporter is told, in plain sentences, what happens while work takes its time, maybe
// by several goroutines at once.
type Reporter interface{ Say(sentence string) }

// Lender is a Reporter on a terminal, which another program may draw on meanwhile. nil: there is none.
type Lender interface{ Lend() *os.File }

// Sayf tells a sentence, if anybody is there to be told; what others wrote in it is made harmless.
func Sayf(r Reporter, format string, args ...any) {
	if r != nil {
		r.Say(Harmless(fmt.Sprintf(format, args...)))
	}
}
