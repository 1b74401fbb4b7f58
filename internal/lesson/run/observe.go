package run

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// "Runs" means: the echo came back over HTTP from outside of the container, and the
// program did not die of it. It is asked at the published port; where nothing is heard there, or the port is another
// machine's, from another container, at the container's own address. Never from its own
// network namespace: there a program that listens on the loopback alone answers too.

const (
	// brisk is how long a program that was just started is asked without a look at
	// its container: most answer in the first milliseconds.
	brisk = 50 * time.Millisecond
	// patience is how long the published port alone is asked.
	patience = time.Second
	// loopbackTime is how long a program must have listened on the loopback alone, for
	// it might still be about to listen elsewhere.
	loopbackTime = time.Second
	// clientTime bounds one look from another container: its start, and two requests.
	clientTime = 20 * time.Second
)

// heard is what became of asking once.
type heard struct {
	answered bool           // a whole answer came
	wrong    string         // what was wrong with it, or with its beginning
	listens  engine.Sockets // where the program listens, if that was looked at
}

func (h heard) echo() bool { return h.answered && h.wrong == "" }

// observe waits for the echo, for the program's end, or for the time to run out. host
// is where the port is published.
func (j *job) observe(ctx context.Context, name, host string) error {
	o, began := &j.outcome, time.Now()
	loopback := began // since when it has listened on the loopback alone
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		var h heard
		if host != "" {
			h = probe(ctx, host)
		}
		passed := time.Since(began)
		if h.wrong != "" && passed < patience { // it may be somebody else's port, or too early
			h = heard{}
		}
		var container engine.Container
		var err error
		if h.answered || passed > brisk { // an echo of a program that dies of it is none
			container, err = j.Engine.Inspect(ctx, name)
		}
		running := container.State.Status == "running"
		if running && (h.echo() || passed > patience) {
			h, err = j.listen(ctx, h, container)
		}
		if err != nil {
			return err
		}
		at := h.listens.At(8080)
		alone := at.LoopbackOnly()
		if !alone {
			loopback = time.Now()
		}
		late := passed > answerTime
		switch {
		case container.State.Status != "" && !container.Started():
			return j.refused(ctx, &engine.Failed{ExitCode: container.State.ExitCode, Stderr: container.State.Error})
		case container.State.Status != "" && !running:
			d, err := j.diagnose(ctx)
			if err != nil {
				return err
			}
			o.ended(d, container.State.ExitCode)
		case alone && time.Since(loopback) > loopbackTime:
			o.fails(table.Serve, LoopbackOnly, fmt.Sprintf("it listens at %s alone, which nobody outside of its container reaches", at))
			o.Proof = append(o.Proof, doctor.Evidence{Claim: "who listens on port 8080, as the " +
				"kernel says", Path: "/proc/net/tcp", Found: at.String()})
		case h.echo() && !alone:
			o.Outcome, o.Phase = table.Runs, table.Serve
			o.User = j.Engine.Account(container)
			if j.Keep {
				o.Address = host
			}
		case h.answered && !alone, late && h.wrong != "":
			o.fails(table.Serve, WrongAnswer, h.wrong)
		case late:
			o.fails(table.Serve, NoAnswer, fmt.Sprintf("nothing on port 8080 within %v", answerTime))
			if len(h.listens) > 0 {
				o.Detail += "; it listens at " + h.listens.String()
			}
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			time.Sleep(wait)
			continue
		}
		log, err := j.Engine.Logs(ctx, name)
		o.Message = strings.TrimRight(log, "\n")
		o.Log, _, _ = strings.Cut(o.Message, "[GIN] ") // what follows are the probe's own requests
		return err
	}
}

// refused fills in the outcome of a container whose process was never made. Where the image's files
// say that the engine could have made it, the engine is at fault.
func (j *job) refused(ctx context.Context, by *engine.Failed) error {
	d, err := j.diagnose(ctx)
	if err != nil {
		return err
	}
	o := &j.outcome
	o.Phase, o.Message = table.Start, strings.TrimSpace(by.Stderr)
	if fault := environmentOf(o.Message); fault != "" { // also of an image that could not start either way
		return errors.New(fault)
	}
	if d.Phase != table.Start {
		return fmt.Errorf("the engine refused to start an image whose files do not keep it from that: %v", by)
	}
	o.provedBy(d, by.ExitCode)
	return nil
}

// ended fills in the outcome of a container that stopped by itself. Only an
// image of which the doctor proved that its program, or its loader, gets nowhere failed
// in exec; any other program started, whatever it printed.
func (o *Outcome) ended(d *doctor.Diagnosis, status int) {
	if d.Phase == table.Exec {
		o.provedBy(d, status)
		return
	}
	o.ExitCode = &status
	o.fails(table.Serve, Exited, fmt.Sprintf("it started, and ended by itself with status %d", status))
}

// provedBy notes why it fails, where the engine has said that it does.
func (o *Outcome) provedBy(d *doctor.Diagnosis, status int) {
	o.ExitCode, o.Missing = &status, d.Missing
	o.fails(d.Phase, d.Cause, d.Missing)
}

// listen finds out more of what was heard at the published port: where the program
// listens, and where nothing was heard there, what another container hears.
func (t *Trial) listen(ctx context.Context, h heard, c engine.Container) (heard, error) {
	listens, told := t.Engine.ListensAt(c)
	address, network := c.Address()
	h.listens = listens
	at := listens.At(8080)
	switch {
	case told && h.echo() && len(at) == 0: // what answers at that port of this machine is somebody else
		h.answered = false
		return h, nil
	case h.echo(), told && (len(at) == 0 || at.LoopbackOnly()):
		return h, nil
	case (address == "" || t.BaseImage == "") && t.Engine.Here: // its published port is this machine's
		return h, nil
	case address == "" || t.BaseImage == "":
		return h, errors.New("the engine is on another machine, and there is no way to ask what runs there: " +
			"its containers have no addresses of their own, or there is no base to ask from (`dev base` gets it)")
	}
	message := rand.Text()
	out, err := t.inBase(ctx, client, "--network", network, "--env", "message="+message, "--env", "address="+address)
	if err == nil {
		echo, request, _ := strings.Cut(out, "\n")
		h.answered, h.wrong = true, wrongEcho(message, echo, request)
	} else if !told { // this machine's kernel is another one: the engine's is asked from inside of the network
		lists, _ := t.inBase(ctx, "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; true", "--network", "container:"+c.ID)
		h.listens = engine.ReadSockets(lists)
	}
	return h, nil
}

// client is probe from a container of the base, at the address of the step's: it asks for the echo of a message, and for
// the request. Of an answer without end it takes the beginning.
var client = fmt.Sprintf(`if command -v wget >/dev/null; then get() { wget -q -O - --header "X-Probe: $message" "$1"; }
elif command -v curl >/dev/null; then get() { curl -fsS --header "X-Probe: $message" "$1"; }
else exit 1; fi
echo=$(get "http://$address:8080/?message=$message" | head -c %[1]d) && [ -n "$echo" ] && echo "$echo" &&
get "http://$address:8080/" | head -c %[1]d`, longest)

// inBase runs a script in a container of the base.
func (t *Trial) inBase(ctx context.Context, script string, options ...string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, clientTime)
	defer stop()
	words := slices.Concat([]string{"run", "--rm", "--pull=never"}, engine.Ours(), options)
	return t.Engine.Output(ctx, append(words, "--entrypoint", "/bin/sh", t.BaseImage, "-c", script)...)
}

// answerTime is how long a started program may take until the echo comes back.
// The app needs a few milliseconds; a loaded machine, a second or two.
const answerTime = 15 * time.Second

// longest is how much of an answer is taken in; the right ones have a few hundred bytes.
const longest = 64 << 10

// probe asks for the echo, with a message and without one.
func probe(ctx context.Context, host string) heard {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	message := rand.Text() // no canned answer can be right
	echo, began, err := get(ctx, host, "/?message="+url.QueryEscape(message), message)
	switch {
	case err != nil && !began:
		return heard{}
	case err != nil: // it may be a machine under load: it is asked again
		return heard{wrong: fmt.Sprintf("asked for the echo of %q, it began with %q and did not come to an end", message, screen.Short(echo, 60))}
	case echo != message:
		return heard{answered: true, wrong: wrongEcho(message, echo, "")}
	}
	request, _, err := get(ctx, host, "/", message)
	if err != nil {
		return heard{answered: true, wrong: fmt.Sprintf("asked for GET /, it did not answer: %v", err)}
	}
	return heard{answered: true, wrong: wrongEcho(message, echo, request)}
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
