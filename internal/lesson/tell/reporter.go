package tell

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

// NewReporter tells of a run of steps on w: on a screen as rows that are drawn again and
// again, elsewhere a line for what begins and what ends. done is to be called when it is over.
func NewReporter(w io.Writer, steps []table.Step) (r run.Reporter, done func()) {
	t := NewTerminal(w)
	if t.Live {
		l := newLive(t, steps)
		return l, l.done
	}
	return Plain{w}, func() {}
}

// Plain writes a line for each sentence, and for each try that is built or has ended.
type Plain struct{ io.Writer }

// Say writes a sentence.
func (p Plain) Say(sentence string) { fmt.Fprintln(p, sentence) }

// Lend gives the terminal that it writes to; nil where it is something else.
func (p Plain) Lend() *os.File { return (&Terminal{Writer: p.Writer}).Lend() }

// Step writes a line of a step.
func (p Plain) Step(e run.Event) {
	switch {
	case e.LeftOut != "":
		p.Say(leftOut(e))
	case e.Outcome != nil:
		p.Say(line(e.Step, result(*e.Outcome), 80))
	case e.Doing == run.Building:
		p.Say(line(e.Step, "building "+e.Dockerfile, 80))
	}
}

func leftOut(e run.Event) string {
	return fmt.Sprintf("left out: %s (%s): %s", e.Step, e.Dockerfile, e.LeftOut)
}

// line is one about a step, cut to the width.
func line(step, text string, width int) string { return inColumn(step) + cut(text, width-nameWidth-1) }

// live has a row for each step at the end of the screen; what is said stands above them.
type live struct {
	t     *Terminal
	steps []table.Step
	over  chan struct{} // closed when nothing is drawn any more

	mutex sync.Mutex
	rows  map[string]*progress
	drawn int // rows on the screen
}

// progress is how far a step is.
type progress struct {
	tries int // that have not ended
	doing string
	since time.Time
	ended string // how its last try did
}

func newLive(t *Terminal, steps []table.Step) *live {
	l := &live{t: t, steps: steps, over: make(chan struct{}), rows: map[string]*progress{}}
	for _, step := range steps {
		l.rows[step.Name] = &progress{tries: len(step.Tries)}
	}
	go func() { // draws the seconds that pass
		seconds := time.NewTicker(time.Second)
		defer seconds.Stop()
		for {
			select {
			case <-l.over:
				return
			case <-seconds.C:
				l.mutex.Lock()
				l.draw(l.drawn > 0)
				l.mutex.Unlock()
			}
		}
	}()
	return l
}

// Say writes a sentence above the rows.
func (l *live) Say(sentence string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	rows := l.drawn > 0
	l.draw(false)
	fmt.Fprintln(l.t, sentence)
	l.draw(rows)
}

// Lend gives the terminal, on which there are no rows before a step begins.
func (l *live) Lend() *os.File { return l.t.Lend() }

// Step changes a row.
func (l *live) Step(e run.Event) {
	if e.LeftOut != "" {
		l.Say(leftOut(e))
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	row := l.rows[e.Step]
	switch {
	case e.Outcome != nil:
		row.ended, row.doing = result(*e.Outcome), ""
		row.tries--
	case e.LeftOut != "":
		row.tries--
	default:
		row.doing, row.since = e.Doing, time.Now()
	}
	l.draw(true)
}

// draw takes the rows off the screen, and draws them as they are now.
func (l *live) draw(rows bool) {
	if l.drawn > 0 {
		fmt.Fprintf(l.t, "\x1b[%dA\x1b[J", l.drawn)
		l.drawn = 0
	}
	if !rows {
		return
	}
	for _, step := range l.steps {
		switch row := l.rows[step.Name]; {
		case row.tries == 0:
			l.t.Say(line(step.Name, row.ended, l.t.Width))
		case row.doing != "":
			l.t.Say(inColumn(step.Name) + l.t.Paint(Dim, fmt.Sprintf("%s, %d s", row.doing, int(time.Since(row.since).Seconds()))))
		default:
			l.t.Say(line(step.Name, "", l.t.Width))
		}
	}
	l.drawn = len(l.steps)
}

// done takes the rows off the screen for good.
func (l *live) done() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	close(l.over)
	l.draw(false)
}
