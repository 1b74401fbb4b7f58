package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	print "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/docker/go-units"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"
)

const steps = "../../../../steps"

// facts reads the record and the table anew, without this program's own types:
// what the page says is held against what stands in the files.
func facts(t *testing.T, dir string) map[string]int64 {
	known := map[string]int64{}
	text, err := os.ReadFile(filepath.Join(dir, "records", "article.json"))
	require.NoError(t, err)
	var doc struct {
		Steps []struct {
			Step, Dockerfile string
			Image            struct {
				Bytes, Binary int64
				Files         []struct {
					Path  string
					Bytes int64
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	for _, s := range doc.Steps {
		of := s.Step + "/" + s.Dockerfile
		known[of+"/image/bytes"], known[of+"/image/binary"], known[of+"/rest"] = s.Image.Bytes, s.Image.Binary, s.Image.Bytes-s.Image.Binary
		for _, f := range s.Image.Files {
			known[of+"/image/files"+f.Path] = f.Bytes
		}
	}
	text, err = os.ReadFile(filepath.Join(dir, "steps.yaml"))
	require.NoError(t, err)
	var table []struct {
		Step string `yaml:"step"`
		Size string `yaml:"article_size"`
	}
	require.NoError(t, yaml.Unmarshal(text, &table))
	for _, s := range table {
		if s.Size != "" {
			known[s.Step+"/article_size"], err = units.FromHumanSize(s.Size)
			require.NoError(t, err)
		}
	}
	return known
}

// wrong lists the figures on a page that are not those of the records, and the
// ones that nothing vouches for.
func wrong(t *testing.T, page []byte, known map[string]int64) (faults []string, shown int) {
	root, err := html.Parse(bytes.NewReader(page))
	require.NoError(t, err)
	amount := regexp.MustCompile(`[0-9]\s*(B|kB|KB|MB|GB|MiB|bytes|times)\b`)
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.ElementNode && (n.Data == "pre" || n.Data == "style" || n.Data == "script"):
			return // a transcript is the file itself: see below
		case n.Type == html.ElementNode && n.Data == "data":
			shown++
			of, text := attribute(n, "data-of"), n.FirstChild.Data
			value, err := strconv.ParseInt(attribute(n, "value"), 10, 64)
			fact, ok := known[of]
			digits := strings.ReplaceAll(text, "\u202f", "")
			if err != nil || !ok || value != fact || text != units.HumanSizeWithPrecision(float64(fact), 3) && digits != fmt.Sprint(fact) {
				faults = append(faults, fmt.Sprintf("%s: %s (%d), the record has %d", of, text, value, fact))
			}
			return
		case n.Type == html.TextNode && amount.MatchString(n.Data):
			faults = append(faults, "a figure from nowhere: "+strings.TrimSpace(n.Data))
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return faults, shown
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestEveryFigureIsTheRecords(t *testing.T) {
	page, err := Render(steps)
	require.NoError(t, err)
	known := facts(t, steps)
	faults, shown := wrong(t, page, known)
	assert.Empty(t, faults)
	assert.GreaterOrEqual(t, shown, 2+8+6+2*5+5+2, "title, chart, images, what is in those from scratch, file by file")

	// The check itself can fail: another record, and every figure of it is wrong.
	for of := range known {
		known[of] += 1_000_000
	}
	faults, _ = wrong(t, page, known)
	assert.Len(t, faults, shown)
	faults, _ = wrong(t, []byte("<p>It is 11 MB.</p>"), known)
	assert.Len(t, faults, 1)
}

// A record with other numbers makes a page with those; so none is written down twice.
func TestTheReportFollowsTheRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "steps")
	require.NoError(t, os.CopyFS(dir, os.DirFS(steps)))
	file := filepath.Join(dir, "records", "article.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	more := regexp.MustCompile(`("(?:bytes|binary)": )([0-9]+)`).ReplaceAllStringFunc(string(text), func(pair string) string {
		name, number, _ := strings.Cut(pair, ": ")
		value, err := strconv.ParseInt(number, 10, 64)
		require.NoError(t, err)
		return fmt.Sprintf("%s: %d", name, 2*value+7)
	})
	require.NotEqual(t, string(text), more)
	require.NoError(t, os.WriteFile(file, []byte(more), 0o644))
	page, err := Render(dir)
	require.NoError(t, err)
	faults, _ := wrong(t, page, facts(t, dir))
	assert.Empty(t, faults)
}

// The lesson is all there: transcripts, diffs and proofs as the files have them.
func TestTheReportTellsTheWholeLesson(t *testing.T) {
	page, err := Render(steps)
	require.NoError(t, err)
	root, err := html.Parse(bytes.NewReader(page))
	require.NoError(t, err)
	var all strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			all.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	transcripts, err := filepath.Glob(filepath.Join(steps, "*", "output.txt"))
	require.NoError(t, err)
	require.Len(t, transcripts, 6)
	for _, file := range transcripts {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, part := range strings.Split(strings.TrimSpace(string(text)), "\n\n$ docker build") { // one for each try
			assert.Contains(t, all.String(), part, file)
		}
	}
	var doc struct {
		Base  struct{ StandInFor, Image string } // said beside every figure that rests on it
		Steps []struct {
			Proof []struct{ Claim, Found string }
		}
	}
	text, err := os.ReadFile(filepath.Join(steps, "records", "article.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &doc))
	proofs := 0
	for _, s := range doc.Steps {
		for _, p := range s.Proof {
			proofs++
			assert.Contains(t, all.String(), p.Claim)
			assert.Contains(t, all.String(), p.Found)
		}
	}
	assert.Positive(t, proofs)
	assert.Contains(t, all.String(), "golang:1.15.7-alpine3.13")
	assert.NotRegexp(t, `(?i)(src|href)="(https?:|//)|@import|url\(`, string(page), "it asks for nothing from anywhere")
}

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
