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
)

var shots = flag.String("shots", "", "a folder to put screenshots of the report in, to be looked at")

// The report in a real browser, on a phone, a tablet and a projector, light and
// dark: it asks for nothing, complains of nothing, and nothing on it is cut.
func TestTheReportInABrowser(t *testing.T) {
	browser := findBrowser(t)
	page, err := Render("../../../../steps")
	require.NoError(t, err)
	asked := &requests{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.add("server: " + r.URL.Path)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	}))
	defer server.Close()

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has none for root
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	first, stop := chromedp.NewContext(allocator)
	defer stop()
	require.NoError(t, chromedp.Run(first), "the browser starts")

	for _, width := range []int64{390, 1024, 1920} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%d-%s", width, scheme), func(t *testing.T) {
				tab, stop := chromedp.NewContext(first)
				defer stop()
				tab, stop = context.WithTimeout(tab, time.Minute)
				defer stop()
				complaints := &requests{}
				asked.clear()
				chromedp.ListenTarget(tab, func(event any) {
					switch e := event.(type) {
					case *network.EventRequestWillBeSent:
						if !strings.HasPrefix(e.Request.URL, "data:") {
							asked.add("page: " + e.Request.URL)
						}
					case *runtime.EventConsoleAPICalled:
						complaints.add(fmt.Sprintf("console.%s", e.Type))
					case *runtime.EventExceptionThrown:
						complaints.add(e.ExceptionDetails.Error())
					case *log.EventEntryAdded:
						complaints.add(e.Entry.Text)
					}
				})
				var ground, too string
				require.NoError(t, chromedp.Run(tab,
					network.Enable(), log.Enable(),
					chromedp.EmulateViewport(width, 900),
					emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
					chromedp.Navigate(server.URL),
					chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &ground),
					chromedp.Evaluate(tooWide, &too),
				))
				assert.Equal(t, map[string]string{"light": "rgb(255, 255, 255)", "dark": "rgb(19, 23, 27)"}[scheme], ground)
				assert.JSONEq(t, `[]`, too, "wider than the room there is, or cut")
				screenshot(t, tab, fmt.Sprintf("report-%d-%s.png", width, scheme))
				pageByKeys(t, tab)
				assert.Empty(t, complaints.all())
				assert.Equal(t, []string{"page: " + server.URL + "/", "server: /"}, asked.all(), "the page itself, and nothing else")
			})
		}
	}
}

// tooWide lists the elements that stick out of the window, or hold more than they show.
const tooWide = `JSON.stringify([...document.querySelectorAll('body *')].filter(e => {
	const box = e.getBoundingClientRect();
	return box.right > document.documentElement.clientWidth + 1 || box.left < -1 ||
		e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' && e.clientWidth > 0;
}).map(e => e.tagName + ': ' + e.textContent.slice(0, 60)).concat(
	document.documentElement.scrollWidth > innerWidth ? ['the page: ' + document.documentElement.scrollWidth] : []))`

// pageByKeys goes through all sections by the keys that a teacher uses, and back.
func pageByKeys(t *testing.T, tab context.Context) {
	const at = `document.activeElement.id`
	var sections, seen []string
	require.NoError(t, chromedp.Run(tab, chromedp.Evaluate(`[...document.querySelectorAll('section')].map(s => s.id)`, &sections)))
	var id string
	for range len(sections) - 1 {
		require.NoError(t, chromedp.Run(tab, chromedp.KeyEvent(kb.ArrowRight), chromedp.Evaluate(at, &id)))
		seen = append(seen, id)
	}
	assert.Equal(t, sections[1:], seen, "each key shows the next one")
	require.NoError(t, chromedp.Run(tab, chromedp.KeyEvent("p"), chromedp.Evaluate(at, &id)))
	assert.Equal(t, sections[len(sections)-2], id)
}

func screenshot(t *testing.T, tab context.Context, name string) {
	if *shots == "" {
		return
	}
	var png []byte
	require.NoError(t, chromedp.Run(tab, chromedp.FullScreenshot(&png, 100)))
	require.NoError(t, os.WriteFile(filepath.Join(*shots, name), png, 0o644))
}

// findBrowser gives a Chromium's path. Without one the test tells nothing; CI must have one.
func findBrowser(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no Chromium: the report was not looked at. Install chromium or google-chrome.")
	}
	t.Skip("NOT TESTED: there is no Chromium here to look at the report with")
	return ""
}

// requests collects from several goroutines.
type requests struct {
	mutex sync.Mutex
	seen  []string
}

func (r *requests) add(text string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.seen = append(r.seen, text)
}

func (r *requests) clear() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.seen = nil
}

func (r *requests) all() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	sorted := append([]string(nil), r.seen...)
	return sorted
}
