package learn

import (
	"sync"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/tell"
)

// latest keeps what a run says while the learner is busy guessing, so that it
// does not write into the prompt; once followed, it hands everything on.
type latest struct {
	mutex sync.Mutex
	last  string
	out   *tell.Terminal // nil until it is followed
}

// Say keeps a sentence, or writes it.
func (l *latest) Say(sentence string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.last = sentence
	l.write()
}

// Step is told what the engine is doing.
func (l *latest) Step(e run.Event) {
	if e.Doing == run.Building {
		l.Say("the container engine is building " + e.Step)
	}
}

func (l *latest) follow(out *tell.Terminal) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.out = out
	l.write()
}

func (l *latest) write() {
	if l.out != nil && l.last != "" {
		l.out.Paragraph("… " + l.last)
	}
}
