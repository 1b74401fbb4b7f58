package report

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/engines"
)

var shots = flag.String("shots", "", "a folder to put screenshots of the report in, to be looked at")

// The report in a real browser, on a phone, a tablet and a projector, light and
// dark: it asks for nothing, complains of nothing, and nothing on it is cut.
func TestTheReportInABrowser(t *testing.T) {
	browser := start(t)
	page, err := Render(steps)
	require.NoError(t, err)
	url, paths := served(t, page)
	for _, width := range []int64{390, 1024, 1280, 1920} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%d-%s", width, scheme), func(t *testing.T) {
				v := visit(t, browser, url, width, scheme)
				assert.Equal(t, map[string]string{"light": "rgb(255, 255, 255)", "dark": "rgb(19, 23, 27)"}[scheme], v.ground)
				assert.Empty(t, v.cut, "wider than the room there is, or cut")
				screenshot(t, v.tab, fmt.Sprintf("report-%d-%s.png", width, scheme))
				pageByKeys(t, v.tab, width, func(id string) {
					if scheme == "light" {
						screenshot(t, v.tab, fmt.Sprintf("beat-%d-%s.png", width, id))
					}
				})
				assert.Empty(t, v.complaints.all())
				assert.Equal(t, []string{url + "/"}, v.asked.all(), "the page itself, and nothing else")
			})
		}
	}
	assert.Equal(t, slices.Repeat([]string{"/"}, 8), paths.all(), "nor an icon or the like")
}

// What must not be is seen when it is there: the test above can fail.
func TestTheBrowserSeesWhatIsWrong(t *testing.T) {
	browser := start(t)
	url, _ := served(t, []byte(`<!doctype html><body style="margin:0">
		<img src="http://127.0.0.1:9/x.png"><div style="width:2000px">wide</div>
		<pre style="overflow-x:auto">`+strings.Repeat("long", 200)+`</pre>
		<script>console.error("oops"); setTimeout(() => { throw new Error("thrown") })</script>`))
	v := visit(t, browser, url, 390, "light")
	assert.Contains(t, v.asked.all(), "http://127.0.0.1:9/x.png")
	assert.Contains(t, strings.Join(v.cut, "\n"), "DIV: wide")
	assert.Contains(t, strings.Join(v.cut, "\n"), "PRE: long")
	assert.Contains(t, strings.Join(v.cut, "\n"), "the page: ")
	for _, complaint := range []string{"console.error", "thrown"} {
		assert.Eventually(t, func() bool { return strings.Contains(strings.Join(v.complaints.all(), "\n"), complaint) },
			10*time.Second, 50*time.Millisecond, complaint)
	}
}

// start starts a browser; it ends with the test.
func start(t *testing.T) context.Context {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(findBrowser(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has none for root
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	browser, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	require.NoError(t, chromedp.Run(browser), "the browser starts")
	return browser
}

// served serves a page at any path, and tells which were asked for: a browser
// does not report all that it wants, such as an icon.
func served(t *testing.T, page []byte) (url string, paths *list) {
	paths = &list{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths.add(r.URL.Path)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	}))
	t.Cleanup(server.Close)
	return server.URL, paths
}

// heights are those of the screens: a phone, and projectors old and new.
var heights = map[int64]int64{390: 844, 1024: 768, 1280: 720, 1920: 1080}

// visited is a page that a browser shows, and what was seen of it.
type visited struct {
	tab               context.Context
	asked, complaints *list
	ground            string // the background's colour
	cut               []string
}

func visit(t *testing.T, browser context.Context, url string, width int64, scheme string) visited {
	tab, stop := chromedp.NewContext(browser)
	t.Cleanup(stop)
	tab, stop = context.WithTimeout(tab, 2*time.Minute)
	t.Cleanup(stop)
	v := visited{tab: tab, asked: &list{}, complaints: &list{}}
	chromedp.ListenTarget(tab, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "data:") {
				v.asked.add(e.Request.URL)
			}
		case *runtime.EventConsoleAPICalled:
			v.complaints.add(fmt.Sprintf("console.%s", e.Type))
		case *runtime.EventExceptionThrown:
			v.complaints.add(e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			v.complaints.add(e.Entry.Text)
		}
	})
	require.NoError(t, chromedp.Run(tab,
		network.Enable(), log.Enable(),
		chromedp.EmulateViewport(width, heights[width]),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate(url),
		chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &v.ground),
		chromedp.Evaluate(tooWide, &v.cut),
	))
	return v
}

// tooWide lists the elements that stick out of the window, or hold more than they show.
const tooWide = `[...document.querySelectorAll('body *')].filter(e => {
	const box = e.getBoundingClientRect();
	return box.right > document.documentElement.clientWidth + 1 || box.left < -1 ||
		e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' && e.clientWidth > 0;
}).map(e => e.tagName + ': ' + e.textContent.slice(0, 60)).concat(
	document.documentElement.scrollWidth > innerWidth ? ['the page: ' + document.documentElement.scrollWidth] : [])`

// pageByKeys goes through all beats by the keys that a teacher and a presenter's remote use, and back. No beat is
// there before its turn, and on a projector none is larger than the screen.
func pageByKeys(t *testing.T, tab context.Context, width int64, shot func(name string)) {
	const at = `document.activeElement.id`
	var sections, seen []string
	require.NoError(t, chromedp.Run(tab, chromedp.Evaluate(`[...document.querySelectorAll('section')].map(s => s.id)`, &sections)))
	require.Len(t, sections, 1+6*3+1)
	if width >= 1024 {
		var first int64
		require.NoError(t, chromedp.Run(tab, chromedp.Evaluate(`document.getElementById('start').offsetHeight - innerHeight`, &first)))
		assert.LessOrEqual(t, first, int64(0), "the first screen is taller than the screen")
	}
	keys := []string{kb.ArrowRight, "n", " ", kb.PageDown}
	var id, early string
	var tall int64
	var cut []string
	for n := range len(sections) - 1 {
		require.NoError(t, chromedp.Run(tab,
			chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll('section')].slice(%d).filter(s => s.offsetHeight).map(s => `+
				`s.id).join()`, n+1), &early),
			chromedp.KeyEvent(keys[n%len(keys)]), chromedp.Evaluate(at, &id),
			chromedp.Evaluate(`document.activeElement.offsetHeight - innerHeight`, &tall), chromedp.Evaluate(tooWide, &cut)))
		assert.Empty(t, cut, "wider than the room there is, or cut")
		assert.Empty(t, early, "it is there before its turn")
		if width >= 1024 {
			assert.LessOrEqual(t, tall, int64(0), "%s is taller than the screen", id)
		}
		shot(id)
		seen = append(seen, id)
	}
	assert.Equal(t, sections[1:], seen, "each key shows the next one")
	for i, key := range []string{"p", kb.ArrowLeft, kb.PageUp} {
		require.NoError(t, chromedp.Run(tab, chromedp.KeyEvent(key), chromedp.Evaluate(at, &id)))
		assert.Equal(t, sections[len(sections)-2-i], id)
	}
}

// Nothing on the page tells how a step ends before its question was asked; a guess is told whether it was right.
func TestTheReportAsksFirst(t *testing.T) {
	page, err := Render(steps)
	require.NoError(t, err)
	url, _ := served(t, page)
	v := visit(t, start(t), url, 390, "light")
	var text string
	const third = `document.getElementById('03-exec-form')`
	require.NoError(t, chromedp.Run(v.tab, chromedp.Evaluate(`document.body.innerText`, &text)))
	assert.NotRegexp(t, `(?i)\bRUNS\b|\bFAILS\b|ld-musl|no such file or directory`, text)
	for range 7 {
		require.NoError(t, chromedp.Run(v.tab, chromedp.KeyEvent(kb.ArrowRight)))
	}
	require.NoError(t, chromedp.Run(v.tab, chromedp.Evaluate(third+`.innerText`, &text)))
	assert.Contains(t, text, "Will it start?")
	assert.NotRegexp(t, `(?i)\bRUNS\b|\bFAILS\b|ld-musl|no such file or directory`, text)
	require.NoError(t, chromedp.Run(v.tab, chromedp.Evaluate(third+`.querySelector('[data-guess=runs]').click(); `+
		`document.activeElement.innerText`, &text)))
	assert.Contains(t, text, "exec /echo: no such file or directory")
	assert.Contains(t, text, "You had guessed otherwise")
	assert.NotContains(t, text, "ld-musl", "that is the third beat's")
}

func screenshot(t *testing.T, tab context.Context, name string) {
	if *shots == "" {
		return
	}
	var png []byte
	require.NoError(t, chromedp.Run(tab, chromedp.CaptureScreenshot(&png)))
	require.NoError(t, os.WriteFile(filepath.Join(*shots, name), png, 0o644))
}

// findBrowser gives a Chromium's path. Without one the test tells nothing; CI must have one.
func findBrowser(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	engines.Without(t, "there is no Chromium to look at the report with: install chromium or google-chrome")
	return ""
}

// list collects from several goroutines.
type list struct {
	mutex sync.Mutex
	seen  []string
}

func (l *list) add(text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.seen = append(l.seen, text)
}

func (l *list) all() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.seen)
}

// On paper all beats are there, whatever was shown on the screen.
func TestThePrintedReportIsWhole(t *testing.T) {
	page, err := Render(steps)
	require.NoError(t, err)
	url, _ := served(t, page)
	tab := visit(t, start(t), url, 1280, "dark").tab
	var hidden int
	require.NoError(t, chromedp.Run(tab, emulation.SetEmulatedMedia().WithMedia("print"),
		chromedp.Evaluate(`[...document.querySelectorAll('section')].filter(s => !s.offsetHeight).length`, &hidden)))
	assert.Zero(t, hidden)
	last, err := printed(tab, papers["A4"], "20")
	require.NoError(t, err, "a sheet for each beat")
	assert.NotEmpty(t, last)
	if *shots != "" {
		all, err := printed(tab, papers["A4"], "")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(*shots, "report.pdf"), all, 0o644))
	}
}
