package tell

import (
	"fmt"
	"sync"
	"time"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Reporter tells of a run of steps: where lines can be drawn again, as rows that are, elsewhere a
// line for what begins and what ends. done is to be called when it is over.
func (t *Terminal) Reporter(steps []table.Step) (r run.Reporter, done func()) {
	if t.Live {
		l := newLive(t, steps)
		return l, l.done
	}
	return t, func() {}
}

// Step writes a line of a try that is built, or has ended.
func (t *Terminal) Step(e run.Event) {
	if e.Outcome != nil {
		t.line(e.Step, "", result(*e.Outcome))
	} else if e.Doing == run.Building {
		t.line(e.Step, "", "building "+e.Dockerfile)
	}
}

// line writes one about a step, cut to the width.
func (t *Terminal) line(step, color, text string) {
	t.Say(inColumn(step) + t.Paint(color, cut(text, t.Width-nameWidth-1)))
}

// live has a row for each step at the end of the screen; what is said stands above them. A terminal
// that it lends has none yet: they come when a step begins.
type live struct {
	*Terminal
	steps []table.Step
	stop  func() // no seconds pass any more

	mutex sync.Mutex
	rows  map[string]progress // by the step; none before one begins
	drawn bool
}

// progress is what a step does, or how its last try ended.
type progress struct {
	text  string
	since time.Time // zero: it has ended
}

func newLive(t *Terminal, steps []table.Step) *live {
	l := &live{Terminal: t, steps: steps, rows: map[string]progress{}}
	l.stop = screen.Every(time.Second, func(time.Duration) { l.change(func() {}) })
	return l
}

// Say writes a sentence above the rows.
func (l *live) Say(sentence string) { l.change(func() { l.Terminal.Say(sentence) }) }

// Step changes a row.
func (l *live) Step(e run.Event) {
	l.change(func() {
		l.rows[e.Step] = progress{e.Doing, time.Now()}
		if e.Outcome != nil {
			l.rows[e.Step] = progress{text: result(*e.Outcome)}
		}
	})
}

// change takes the rows off the screen, does something, and draws them as they are then.
func (l *live) change(do func()) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.drawn {
		fmt.Fprintf(l.Writer, "\x1b[%dA\x1b[J", len(l.steps))
	}
	do()
	if l.drawn = len(l.rows) > 0; !l.drawn {
		return
	}
	for _, step := range l.steps {
		row, color := l.rows[step.Name], ""
		if !row.since.IsZero() {
			row.text, color = fmt.Sprintf("%s, %.0f s", row.text, time.Since(row.since).Seconds()), Dim
		}
		l.Terminal.line(step.Name, color, row.text)
	}
}

// done takes the rows off the screen for good.
func (l *live) done() {
	l.stop()
	l.change(func() { clear(l.rows) })
}
