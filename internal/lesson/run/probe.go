package run

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"optimizing-dockerfile/internal/screen"
)

// answerTime is how long a started program may take until the echo comes back.
// The app needs a few milliseconds; a loaded machine, a second or two.
const answerTime = 15 * time.Second

// longest is how much of an answer is taken in; the right ones have a few hundred bytes.
const longest = 64 << 10

// probe asks for the echo, with a message and without one. It returns "" and no
// error for the right answers, what was wrong with an answer, or an error where
// no whole answer came this time.
func probe(ctx context.Context, host string) (wrong string, err error) {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	message := rand.Text() // no canned answer can be right
	status, body, err := get(ctx, host, "/?message="+url.QueryEscape(message), message)
	switch {
	case err != nil && status == 0:
		return "", err
	case err != nil: // it may be a machine under load: it is asked again
		return fmt.Sprintf("asked for the echo of %q, it began with %q and did not come to an end", message, shortened(body)), err
	}
	if status != http.StatusOK || body != message {
		return fmt.Sprintf("asked for the echo of %q, it answered %d with %q", message, status, shortened(body)), nil
	}
	status, body, err = get(ctx, host, "/", message)
	if err != nil {
		return fmt.Sprintf("asked for GET /, it did not answer: %v", err), nil
	}
	if status != http.StatusOK || !strings.HasPrefix(body, "GET / HTTP/1.1\r\n") || !strings.Contains(body, "X-Probe: "+message) {
		return fmt.Sprintf("asked for GET /, it answered %d with %q, not with the request", status, shortened(body)), nil
	}
	return "", nil
}

func get(ctx context.Context, host, path, header string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("X-Probe", header)
	request.Close = true
	// A proxy of the environment has no business between us and this machine.
	client := http.Client{
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true, MaxResponseHeaderBytes: longest},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, longest))
	return response.StatusCode, string(text), err
}

// shortened is what an answer is quoted by.
func shortened(text string) string { return screen.Short(text, 60) }
