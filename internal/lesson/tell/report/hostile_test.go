package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/faults"
)

// attack is what runs in a browser, or breaks the page, wherever a text is not
// taken for one: between tags, in an attribute of either quote, in a script, a
// style, a link, a comment.
const attack = `</code></pre></p>--></style></script><script>owned()</script><img src=x onerror=owned()>` +
	`"><svg/onload=owned()>'-owned()-'" onclick="owned()" x='javascript:owned()'{{.}}` + "`<b>`\x00\u2028\x1b]0;t\a"

// hostileSteps makes a folder of steps with the attack in every text of its table
// and its records that has no fixed form, in the Dockerfiles and the transcripts.
func hostileSteps(t *testing.T) (dir string, fields int) {
	dir = filepath.Join(t.TempDir(), "steps")
	require.NoError(t, os.CopyFS(dir, os.DirFS(steps)))
	loaded, err := table.Load(steps)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, table.Table))
	require.NoError(t, err)
	var plain []map[string]any
	require.NoError(t, yaml.Unmarshal(text, &plain))
	for i, step := range loaded {
		for _, name := range []string{"title", "change", "why", "article"} {
			plain[i][name] = strings.NewReplacer("\x00", "", "\x1b", "", "\a", "").Replace(attack) // YAML refuses those
			fields++
		}
		for _, file := range []string{"output.txt", step.Main().Dockerfile} {
			text, err := os.ReadFile(filepath.Join(dir, step.Name, file))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, step.Name, file), []byte(string(text)+"\n"+attack+"\n"), 0o644))
			fields++
		}
	}
	text, err = yaml.Marshal(plain)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, table.Table), text, 0o644))
	runs, err := filepath.Glob(filepath.Join(dir, "records", "*.json"))
	require.NoError(t, err)
	for _, file := range runs {
		doc, err := record.Read(dir, strings.TrimSuffix(filepath.Base(file), ".json"))
		require.NoError(t, err)
		name := doc.Base.Name
		fields += poison(reflect.ValueOf(doc))
		doc.Kind, doc.Base.Name = "run", name // by these a record is known
		doc.Base.Platform = image.Platform{}  // any other than a platform's is refused
		require.NoError(t, os.WriteFile(file, record.Marshal(doc), 0o644))
	}
	return dir, fields
}

// poison puts the attack into every text below v, but for those that the page finds its way by.
func poison(v reflect.Value) (fields int) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return poison(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Type().Field(i).IsExported() && name != "Step" && name != "Expected" && name != "Dockerfile" {
				fields += poison(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			fields += poison(v.Index(i))
		}
	case reflect.String:
		v.SetString(v.String() + attack)
		return 1
	}
	return fields
}

// Nothing that stands in the lesson's files and records is more than text on the page.
func TestFaultTheReportOfHostileTexts(t *testing.T) {
	dir, fields := hostileSteps(t)
	page, err := Render(dir)
	require.NoError(t, err)
	clean, err := Render(steps)
	require.NoError(t, err)
	assert.Equal(t, scripts(t, clean), scripts(t, page), "the page's own script, and nothing more that acts")
	assert.GreaterOrEqual(t, bytes.Count(page, []byte("&lt;script&gt;owned()")), 100, "it is there, as text")

	browser := start(t)
	url, paths := served(t, bytes.Replace(page, []byte("<head>"), []byte("<head><script>window.done = 0; function owned() { "+
		"window.done++ }</script>"), 1))
	v := visit(t, browser, url, 1024, "light")
	var done, clicked, images, titles int
	require.NoError(t, chromedp.Run(v.tab,
		chromedp.Evaluate(`document.querySelectorAll('*').forEach(e => { e.dispatchEvent(new Event('click')) }); window.done`, &clicked),
		chromedp.Evaluate(`document.images.length`, &images),
		chromedp.Evaluate(`document.querySelectorAll('title, svg title').length`, &titles),
		chromedp.Evaluate(`window.done`, &done)))
	assert.Zero(t, done+clicked, "something ran")
	assert.Zero(t, images)
	assert.Equal(t, 1, titles)
	pageByKeys(t, v.tab, 390, func(string) {})
	assert.Empty(t, v.complaints.all())
	assert.Equal(t, []string{url + "/"}, v.asked.all())
	assert.Equal(t, []string{"/"}, paths.all())
	screenshot(t, v.tab, "report-hostile.png")
	faults.Row(t, "report: HTML and script in every field of the table, the records, the files", "%d fields, 0 ran, 0 requests", fields)
}

// The attack does run where a text is not taken for one: the test above can fail.
func TestTheAttackRunsWhereNothingStopsIt(t *testing.T) {
	browser := start(t)
	url, _ := served(t, []byte("<!doctype html><script>window.done = 0; function owned() { window.done++ }</script><p>"+attack))
	v := visit(t, browser, url, 1024, "light")
	var done int
	require.NoError(t, chromedp.Run(v.tab, chromedp.Evaluate(`window.done`, &done)))
	assert.Positive(t, done)
}

// scripts lists what acts on a page: scripts, handlers, links that lead elsewhere,
// and the elements that load something.
func scripts(t *testing.T, page []byte) (acts []string) {
	root, err := html.Parse(bytes.NewReader(page))
	require.NoError(t, err)
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			switch n.Data {
			case "script", "img", "iframe", "object", "embed", "style", "link", "base", "meta":
				acts = append(acts, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					acts = append(acts, fmt.Sprintf("%s %s=%s", n.Data, a.Key, a.Val))
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return acts
}
