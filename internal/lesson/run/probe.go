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
	echo, began, err := get(ctx, host, "/?message="+url.QueryEscape(message), message)
	switch {
	case err != nil && !began:
		return "", err
	case err != nil: // it may be a machine under load: it is asked again
		return fmt.Sprintf("asked for the echo of %q, it began with %q and did not come to an end", message, screen.Short(echo, 60)), err
	case echo != message:
		return wrongEcho(message, echo, ""), nil
	}
	request, _, err := get(ctx, host, "/", message)
	if err != nil {
		return fmt.Sprintf("asked for GET /, it did not answer: %v", err), nil
	}
	return wrongEcho(message, echo, request), nil
}

// wrongEcho says what is wrong with the two answers; "" where nothing is.
func wrongEcho(message, echo, request string) string {
	if echo != message {
		return fmt.Sprintf("asked for the echo of %q, it answered with %q", message, screen.Short(echo, 60))
	}
	if !strings.HasPrefix(request, "GET / HTTP/1.") || !strings.Contains(request, "X-Probe: "+message) {
		return fmt.Sprintf("asked for GET /, it answered with %q, not with the request", screen.Short(request, 60))
	}
	return ""
}

// get gives an answer; before one that is not OK stands its status.
func get(ctx context.Context, host, path, header string) (answer string, began bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
	if err != nil {
		return "", false, err
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
		return "", false, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, longest))
	if response.StatusCode != http.StatusOK {
		answer = response.Status + ": "
	}
	return answer + string(text), true, err
}
