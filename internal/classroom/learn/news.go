package learn

import "sync"

// latest keeps what a run says while the learner is busy guessing, so that it
// does not write into the prompt; once followed, it hands everything on.
type latest struct {
	mutex sync.Mutex
	last  string
	tell  func(string)
}

func (l *latest) set(sentence string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.last = sentence
	if l.tell != nil {
		l.tell(sentence)
	}
}

func (l *latest) follow(tell func(string)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.tell = tell
	if l.last != "" {
		tell(l.last)
	}
}
