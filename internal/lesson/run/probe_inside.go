package run

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"optimizing-dockerfile/internal/engine"
)

// patience is how long the published port is asked from here alone. Where the
// engine is on another machine, the port is that machine's, and stays silent here.
const patience = time.Second

// insideTime bounds one look from inside: a container's start, and two requests.
const insideTime = 20 * time.Second

// ask asks for the echo at the published port; and where that is silent, or it is
// not the echo that answers, through the engine: what is heard here at a remote
// engine's port is somebody else.
func (t *Trial) ask(ctx context.Context, name, host string, waited time.Duration) (wrong string, silent error) {
	wrong, silent = probe(ctx, host)
	switch {
	case silent == nil && wrong == "":
		return "", nil
	case waited < patience:
		return "", errors.New("no echo yet")
	}
	inside, err := t.probeInside(ctx, name)
	if err != nil {
		return wrong, silent
	}
	return inside, nil
}

// client asks twice, as probe does: for the echo of a message, and for the
// request. Of an answer without end it takes the beginning.
var client = fmt.Sprintf(`if command -v wget >/dev/null; then get() { wget -q -O - --header "X-Probe: $message" "$1"; }
elif command -v curl >/dev/null; then get() { curl -fsS --header "X-Probe: $message" "$1"; }
else exit 1; fi
echo=$(get "http://127.0.0.1:8080/?message=$message" | head -c %[1]d) && [ -n "$echo" ] && echo "$echo" &&
get http://127.0.0.1:8080/ | head -c %[1]d`, longest)

// probeInside is probe from a container of the base in the network of the step's.
func (t *Trial) probeInside(ctx context.Context, name string) (wrong string, silent error) {
	ctx, stop := context.WithTimeout(ctx, insideTime)
	defer stop()
	message := rand.Text()
	words := append([]string{"run", "--rm"}, engine.Ours()...)
	words = append(words, "--pull=never", "--network", "container:"+name, "--env", "message="+message,
		"--entrypoint", "/bin/sh", t.Image, "-c", client)
	out, err := t.Engine.Output(ctx, words...)
	if err != nil {
		return "", err
	}
	echo, request, _ := strings.Cut(out, "\n")
	if echo != message {
		return fmt.Sprintf("asked for the echo of %q, it answered with %q", message, shortened(echo)), nil
	}
	if !strings.HasPrefix(request, "GET / HTTP/1.") || !strings.Contains(request, "X-Probe: "+message) {
		return fmt.Sprintf("asked for GET /, it answered with %q, not with the request", shortened(request)), nil
	}
	return "", nil
}
