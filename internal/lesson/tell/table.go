package tell

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Row puts a step's tries into one line: what its main Dockerfile did, and, if
// there was one, how the first try ended.
func Row(outcomes []run.Outcome) string {
	main := outcomes[len(outcomes)-1]
	text := result(main)
	for _, first := range outcomes[:len(outcomes)-1] {
		switch {
		case first.Verdict != run.AsExpected:
			text += "; " + first.Dockerfile + ": " + result(first)
		case first.Outcome == table.Runs: // its figure tells how it differs
		case first.Cause == "missing-shell":
			text += "; first try: no " + first.Missing
		default:
			text += "; first try: " + first.Cause
		}
	}
	return text
}

func result(o run.Outcome) string {
	if o.Verdict == run.Environment || o.Verdict == run.Unexpected {
		word := "UNEXPECTED"
		if o.Verdict == run.Environment {
			word = "CANNOT TELL"
		}
		return word + ": " + strings.Join(o.Reasons, "; ")
	}
	switch {
	case o.Outcome == table.Runs && o.Expected.SameLayersAs != "":
		number, _, _ := strings.Cut(o.Expected.SameLayersAs, "-")
		return "RUNS   as " + o.User + ", the layers of " + number
	case o.Outcome == table.Runs:
		return "RUNS   as " + o.User
	case strings.HasPrefix(o.Cause, "missing-") && o.Missing != "":
		return fmt.Sprintf("FAILS  at %s: no %s", o.Phase, o.Missing)
	}
	return fmt.Sprintf("FAILS  at %s: %s", o.Phase, o.Cause)
}

// nameWidth is the table's first column: the name of the repo's longest step, and two spaces.
const nameWidth = 20

// inColumn is a step's name in that column; of a longer one its beginning, which has the number.
func inColumn(name string) string { return PadRight(cut(name, nameWidth-1), nameWidth) }

// Table shows how far the steps are: on a screen as rows that are drawn again
// and again, elsewhere a plain line for what begins and what ends.
type Table struct {
	t     *Terminal
	steps []table.Step
	mutex sync.Mutex
	doing map[string]string
	since map[string]time.Time // when that began
	ended chan struct{}        // closed by Erase: nothing is drawn any more
	done  map[string][]run.Outcome
	left  []run.Event // what is left out
	drawn int         // rows on the screen
}

// NewTable makes the table of steps, to be drawn on t.
func NewTable(t *Terminal, steps []table.Step) *Table {
	table := &Table{
		t: t, steps: steps, doing: map[string]string{}, since: map[string]time.Time{},
		done: map[string][]run.Outcome{}, ended: make(chan struct{}),
	}
	if t.Live {
		go table.tick()
	}
	return table
}

// tick draws the seconds that pass.
func (table *Table) tick() {
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	for {
		select {
		case <-table.ended:
			return
		case <-seconds.C:
		}
		table.mutex.Lock()
		if table.drawn > 0 {
			table.redraw()
		}
		table.mutex.Unlock()
	}
}

// Tell takes an event in. It may be called from several goroutines.
func (table *Table) Tell(event run.Event) {
	table.mutex.Lock()
	defer table.mutex.Unlock()
	if event.LeftOut != "" {
		table.left = append(table.left, event)
		return
	}
	if event.Outcome != nil {
		table.done[event.Step] = append(table.done[event.Step], *event.Outcome)
		delete(table.doing, event.Step)
	} else {
		table.doing[event.Step], table.since[event.Step] = event.Doing, time.Now()
	}
	room := table.t.Width - nameWidth - 1
	switch {
	case table.t.Live:
		table.redraw()
	case event.Outcome != nil:
		table.t.Say(inColumn(event.Step) + cut(result(*event.Outcome), room))
	case event.Doing == "building":
		table.t.Say(inColumn(event.Step) + cut("building "+event.Dockerfile, room))
	}
}

func (table *Table) redraw() {
	table.erase()
	room := table.t.Width - nameWidth - 1
	for _, step := range table.steps {
		text := table.doing[step.Name]
		if outcomes := table.done[step.Name]; len(outcomes) > 0 && len(outcomes) == len(step.Tries)-table.leftOf(step.Name) {
			text = result(outcomes[len(outcomes)-1])
		} else if text != "" {
			passed := int(time.Since(table.since[step.Name]).Seconds())
			table.t.Say(inColumn(step.Name) + table.t.Paint(Dim, fmt.Sprintf("%s, %d s", text, passed)))
			continue
		}
		table.t.Say(inColumn(step.Name) + cut(text, room))
	}
	table.drawn = len(table.steps)
}

// leftOf counts a step's tries that are left out.
func (table *Table) leftOf(step string) (count int) {
	for _, event := range table.left {
		if event.Step == step {
			count++
		}
	}
	return count
}

// Erase takes the drawn rows off the screen, for good, and says what was left out; it is called once.
func (table *Table) Erase() {
	table.mutex.Lock()
	defer table.mutex.Unlock()
	close(table.ended)
	table.erase()
	for _, event := range table.left {
		table.t.Paragraph(fmt.Sprintf("left out: %s (%s): %s", event.Step, event.Dockerfile, event.LeftOut))
	}
}

func (table *Table) erase() {
	if table.drawn > 0 {
		fmt.Fprintf(table.t, "\x1b[%dA\x1b[J", table.drawn)
		table.drawn = 0
	}
}

// Table writes the finished table of a run and what it comes to.
func (t *Terminal) Table(steps []table.Step, doc record.Run) {
	tries := map[string][]run.Outcome{}
	for _, o := range doc.Steps {
		tries[o.Step] = append(tries[o.Step], o)
	}
	sizes := 0
	if t.Width >= 72 {
		sizes = 16
		t.Say(t.Paint(Dim, PadRight("step", nameWidth)+PadRight("outcome", t.width80()-nameWidth-sizes)+padLeft("here", 7)+padLeft("article", 9)))
	}
	for _, step := range steps {
		if outcomes := tries[step.Name]; len(outcomes) > 0 {
			t.row(step, outcomes, sizes)
		}
	}
	t.total(doc, like(steps[0], *doc.Base))
	t.kept(doc.Steps)
}

// row writes one step; what does not fit beside the sizes goes to lines of its own.
func (t *Terminal) row(step table.Step, outcomes []run.Outcome, sizes int) {
	main := outcomes[len(outcomes)-1]
	here, article := "-", "-"
	if main.Image != nil {
		here = table.Size(main.Image.Bytes).String()
	}
	if step.ArticleSize > 0 {
		article = step.ArticleSize.String()
	}
	color := Green
	if run.Worst(outcomes) != run.AsExpected {
		color = Red
	}
	room := t.width80() - nameWidth - sizes
	text := screen.Fold(Row(outcomes), room)
	for _, o := range outcomes {
		if figure := Figure(step, o); figure != "" && o.Verdict == run.AsExpected {
			if len(outcomes) > 1 {
				figure = o.Dockerfile + ": " + figure
			}
			text = append(text, screen.Fold(figure, room)...)
		}
	}
	text[0] = strings.Replace(text[0], "RUNS ", "RUNS   ", 1) // wrap folds the spaces that line the words up
	text[0] = strings.Replace(text[0], "FAILS ", "FAILS  ", 1)
	first := PadRight(text[0], room)
	if sizes > 0 {
		first = t.Paint(color, first) + padLeft(here, 7) + padLeft(article, 9)
	} else {
		first = t.Paint(color, text[0])
		text = append(text, "size "+here)
	}
	t.Say(inColumn(step.Name) + first)
	for _, line := range text[1:] {
		t.Say(strings.Repeat(" ", nameWidth) + t.Paint(color, line))
	}
}

// width80 is the width for tables: more than 100 columns make rows hard to follow.
func (t *Terminal) width80() int { return min(t.Width, 100) }

func (t *Terminal) total(doc record.Run, like string) {
	switch doc.Verdict {
	case run.AsExpected:
		t.Coloured(Green, fmt.Sprintf("All %s, in %.0f s.", like, doc.Seconds))
	case run.Unexpected:
		t.Coloured(Red, "Not all is "+like+".")
	default:
		t.Coloured(Red, "The environment stopped some of it; what is said of the others holds.")
	}
	t.Indented("", fmt.Sprintf("Base: %s (Go %s, %s). Engine: %s, %s builder.",
		doc.Base.Said(), doc.Base.Go, doc.Base.Libc, doc.Engine.Said(), doc.Engine.Builder))
}
