package report

import (
	"context"
	"fmt"
	"os"
	"testing"

	print "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// papers are what a teacher's printer holds, in inches.
var papers = map[string][2]float64{"A4": {8.27, 11.69}, "Letter": {8.5, 11}}

// The workshop's handout is one page of paper, and a phone shows all of it.
func TestTheHandoutIsOnePage(t *testing.T) {
	text, err := os.ReadFile("../../../../workshop/handout.html")
	require.NoError(t, err)
	url, paths := served(t, text)
	browser := start(t)
	for _, width := range []int64{390, 1024} {
		v := visit(t, browser, url, width, "dark")
		assert.Empty(t, v.cut, "wider than the room there is, or cut")
		assert.Empty(t, v.complaints.all())
		screenshot(t, v.tab, fmt.Sprintf("handout-%d.png", width))
	}
	assert.Equal(t, []string{"/", "/"}, paths.all())

	tab := visit(t, browser, url, 1024, "light").tab
	for name, paper := range papers {
		first, err := printed(tab, paper, "1")
		require.NoError(t, err, name)
		if *shots != "" {
			require.NoError(t, os.WriteFile(*shots+"/handout-"+name+".pdf", first, 0o644))
		}
		_, err = printed(tab, paper, "2")
		assert.ErrorContains(t, err, "Page range exceeds page count", "%s: it takes a second page", name)
	}
}

// printed is one page of what a printer would be given, as PDF.
func printed(tab context.Context, paper [2]float64, which string) (pdf []byte, err error) {
	err = chromedp.Run(tab, chromedp.ActionFunc(func(ctx context.Context) error {
		pdf, _, err = print.PrintToPDF().WithPreferCSSPageSize(true).WithPaperWidth(paper[0]).WithPaperHeight(paper[1]).
			WithPageRanges(which).Do(ctx)
		return err
	}))
	return pdf, err
}
