package tell

import (
	"strings"

	"optimizing-dockerfile/internal/lesson/table"
)

// Bar is an image's size in the chart.
type Bar struct {
	Step     string
	Bytes    int64
	Article  table.Size // 0 where the article shows none
	Recorded bool       // from the record, not seen on this machine now
}

func (t *Terminal) bars(sizes []Bar) {
	if len(sizes) == 0 {
		return
	}
	var most int64
	for _, bar := range sizes {
		most = max(most, bar.Bytes, int64(bar.Article))
	}
	room := max(8, min(40, t.Width-30))
	head := "  size"
	if sizes[0].Recorded {
		head += "; in ( ): of the record"
	}
	t.Say(t.Paint(Dim, PadRight(head, room+5)+padLeft("here", 8)+padLeft("article", 9)))
	for _, bar := range sizes {
		number, _, _ := strings.Cut(bar.Step, "-")
		article := "-"
		if bar.Article > 0 {
			article = bar.Article.String()
		}
		here := table.Size(bar.Bytes).String()
		if bar.Recorded {
			here = "(" + here + ")"
		}
		width := max(1, int(bar.Bytes*int64(room)/most))
		t.Say("  " + strings.TrimLeft(number, "0") + " " + PadRight(strings.Repeat("█", width), room+1) + padLeft(here, 8) + padLeft(article, 9))
	}
}
