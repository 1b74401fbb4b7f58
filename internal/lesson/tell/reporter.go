package tell

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
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

// live has a row for each step at the end of the screen; what is said stands above them. A terminal
// that it lends has none yet: they come when a step begins.
type live struct {
	Plain
	t     *Terminal
	steps []table.Step
	stop  func() // no seconds pass any more

	mutex sync.Mutex
	rows  map[string]progress
	drawn int // rows on the screen
}

// progress is what a step does, or how its last try ended.
type progress struct {
	text  string
	since time.Time // zero: it has ended
}

func newLive(t *Terminal, steps []table.Step) *live {
	l := &live{Plain: Plain{t}, t: t, steps: steps, rows: map[string]progress{}}
	l.stop = screen.Every(time.Second, func(time.Duration) {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.draw(l.drawn > 0)
	})
	return l
}

// Say writes a sentence above the rows.
func (l *live) Say(sentence string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	rows := l.drawn > 0
	l.draw(false)
	l.t.Say(sentence)
	l.draw(rows)
}

// Step changes a row.
func (l *live) Step(e run.Event) {
	if e.LeftOut != "" {
		l.Say(leftOut(e))
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.rows[e.Step] = progress{e.Doing, time.Now()}
	if e.Outcome != nil {
		l.rows[e.Step] = progress{text: result(*e.Outcome)}
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
		row := l.rows[step.Name]
		if row.since.IsZero() {
			l.t.Say(line(step.Name, row.text, l.t.Width))
		} else {
			l.t.Say(inColumn(step.Name) + l.t.Paint(Dim, fmt.Sprintf("%s, %.0f s", row.text, time.Since(row.since).Seconds())))
		}
	}
	l.drawn = len(l.steps)
}

// done takes the rows off the screen for good.
func (l *live) done() {
	l.stop()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.draw(false)
}
