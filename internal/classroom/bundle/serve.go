package bundle

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"net"
	"net/http"
	"regexp"
	"text/template"
	"time"

	"optimizing-dockerfile/internal/base/rebuild"
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

// handler knows each path that there is: none is made from what a client sends.
func handler(b *Bundle, page []byte) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { shown(w, r, b, page != nil, "text/html", index.Execute) })
	for _, name := range []string{"get.sh", "get.ps1"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			shown(w, r, b, false, "text/plain", scripts.Lookup(name).Execute)
		})
	}
	if page != nil {
		mux.HandleFunc("GET /report.html", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page))
		})
	}
	mux.HandleFunc("GET /bundle.tar", func(w http.ResponseWriter, r *http.Request) { content(w, r, b.Reader(), b.Sum) })
	for _, tool := range b.Tools {
		mux.HandleFunc("GET /"+tool.File, func(w http.ResponseWriter, r *http.Request) {
			part, sum, _ := b.Entry(tool.File) // Open has seen that it is there
			content(w, r, part, sum)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:")
		mux.ServeHTTP(&patient{ResponseWriter: w, control: http.NewResponseController(w)}, r)
	})
}

// content sends a file, or the part of it that is asked for. Its digest is its
// name: a client that goes on with it goes on with the same.
func content(w http.ResponseWriter, r *http.Request, from io.ReadSeeker, sum string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+sum+`"`)
	http.ServeContent(w, r, "", time.Time{}, from)
}

// patient gives each write its time, and not the whole answer: a bundle may take
// an hour, as long as it moves.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *patient) Write(text []byte) (int, error) {
	p.control.SetWriteDeadline(time.Now().Add(pauseTime))
	return p.ResponseWriter.Write(text)
}

// offer is what the pages tell of a bundle.
type offer struct {
	URL, Sum, Size string
	Engines        []string // kinds of machines that it has a base for
	Tools          []offered
	Report         bool // it is offered, too
}

type offered struct{ OS, Arch, File, Sum string }

// host is what may stand in a URL, and in a script, as it is.
var host = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// shown fills in a page. The address in it is the one by which the client came
// here: that one works for it.
func shown(w http.ResponseWriter, r *http.Request, b *Bundle, reported bool, kind string, execute func(io.Writer, any) error) {
	if !host.MatchString(r.Host) {
		http.Error(w, "this address cannot be pasted into a shell", http.StatusBadRequest)
		return
	}
	o := offer{URL: "http://" + r.Host, Sum: b.Sum, Size: rebuild.MB(b.Size), Report: reported}
	for _, image := range b.Bases {
		o.Engines = append(o.Engines, image.Arch)
	}
	for _, tool := range b.Tools {
		_, sum, _ := b.Entry(tool.File)
		o.Tools = append(o.Tools, offered{tool.OS, tool.Arch, tool.File, sum})
	}
	var text bytes.Buffer
	if err := execute(&text, o); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Write(text.Bytes())
}

// Addresses lists the URLs under which a listener can be reached, for a teacher to write on the board.
func Addresses(listener net.Listener) []string {
	at, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return []string{listener.Addr().String()}
	}
	if !at.IP.IsUnspecified() {
		return []string{"http://" + at.String()}
	}
	var all []string
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if own, ok := address.(*net.IPNet); ok && own.IP.To4() != nil && !own.IP.IsLoopback() && !own.IP.IsLinkLocalUnicast() {
			all = append(all, "http://"+net.JoinHostPort(own.IP.String(), fmt.Sprint(at.Port)))
		}
	}
	return append(all, "http://"+net.JoinHostPort("127.0.0.1", fmt.Sprint(at.Port)))
}
