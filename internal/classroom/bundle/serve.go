package bundle

import (
	"context"
	"embed"
	"errors"
	htmltemplate "html/template"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"text/template"
	"time"

	"optimizing-dockerfile/internal/screen"
)

const (
	// headTime is how long a client may take to ask; pauseTime, how long to take
	// the next bytes of what it asked for. A slow network takes its time, a client
	// that went away is let go.
	headTime  = 10 * time.Second
	pauseTime = time.Minute
	// farewellTime is what downloads under way still get after Ctrl-C.
	farewellTime = 3 * time.Second
)

//go:embed index.html get.sh get.ps1
var pages embed.FS

var (
	index   = htmltemplate.Must(htmltemplate.ParseFS(pages, "index.html"))
	scripts = template.Must(template.ParseFS(pages, "get.sh", "get.ps1"))
)

// Serve answers on the listener until the context ends. page is the report; nil: none is offered.
func Serve(ctx context.Context, listener net.Listener, b *Bundle, page []byte) error {
	server := &http.Server{
		Handler:           handler(b, page),
		ReadHeaderTimeout: headTime,
		ReadTimeout:       headTime, // a request here has no body
		IdleTimeout:       pauseTime,
		MaxHeaderBytes:    16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), farewellTime)
	defer stop()
	if err := server.Shutdown(bounded); errors.Is(err, context.DeadlineExceeded) {
		return server.Close() // who was cut off goes on where it was, when this serves again
	}
	return nil
}

// host is what may stand in a URL, and in a script, as it is.
var host = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// offered is a tool, as the pages tell of it.
type offered struct {
	Tool
	Sum string
}

// handler knows each path that there is: none is made from what a client sends.
func handler(b *Bundle, page []byte) http.Handler {
	mux := http.NewServeMux()
	content := func(path, kind string, f File) { // its digest is its name: a client that goes on with it goes on with the same
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("ETag", `"`+f.sum+`"`)
			http.ServeContent(w, r, "", time.Time{}, f.reader())
		})
	}
	content("/bundle.tar", "application/octet-stream", b.whole())
	var tools []offered
	for _, tool := range b.Tools {
		f := b.named(tool.File)
		content("/"+tool.File, "application/octet-stream", f)
		tools = append(tools, offered{tool, f.sum})
	}
	if page != nil {
		report := InMemory("report.html", page)
		report.sum, _ = report.digest() // memory can always be read
		content("/report.html", "text/html; charset=utf-8", report)
	}
	// The address in a page is the one by which the client came here: that one works for it.
	filled := func(path, kind string, fill func(io.Writer, any) error) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if !host.MatchString(r.Host) {
				http.Error(w, "this address cannot be pasted into a shell", http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", kind+"; charset=utf-8")
			fill(w, map[string]any{
				"URL": "http://" + r.Host, "Sum": b.Sum, "Size": screen.Size(b.Size), "Tools": tools, "Bases": b.Bases,
				"Report": page != nil,
			})
		})
	}
	filled("/{$}", "text/html", index.Execute)
	filled("/get.sh", "text/plain", scripts.Lookup("get.sh").Execute)
	filled("/get.ps1", "text/plain", scripts.Lookup("get.ps1").Execute)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "+
			"img-src data:")
		mux.ServeHTTP(patient{w}, r)
	})
}

// patient gives each write its time, and not the whole answer: a bundle may take
// an hour, as long as it moves.
type patient struct{ http.ResponseWriter }

func (p patient) Write(text []byte) (int, error) {
	http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(pauseTime))
	return p.ResponseWriter.Write(text)
}

// Addresses lists the URLs under which a listener can be reached, for a teacher to write on the board.
func Addresses(at *net.TCPAddr) (all []string) {
	url := func(ip net.IP) string { return "http://" + net.JoinHostPort(ip.String(), strconv.Itoa(at.Port)) }
	if !at.IP.IsUnspecified() {
		return []string{url(at.IP)}
	}
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if own, ok := address.(*net.IPNet); ok && own.IP.To4() != nil && !own.IP.IsLoopback() && !own.IP.IsLinkLocalUnicast() {
			all = append(all, url(own.IP))
		}
	}
	return append(all, url(net.IPv4(127, 0, 0, 1)))
}
