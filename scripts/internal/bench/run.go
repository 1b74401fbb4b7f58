package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"optimizing-dockerfile/scripts/internal/engine"
	"optimizing-dockerfile/scripts/internal/lesson"
)

// runByHand runs an image as the article does, waits until it has answered once
// or ended, and ends it.
func runByHand(ctx context.Context, e *engine.Engine, image, outcome string) error {
	name := fmt.Sprintf("%s-by-hand-%d", engine.Repository, os.Getpid())
	defer e.Remove(context.WithoutCancel(ctx), name)
	words := append([]string{"run", "--detach", "--name", name}, engine.Ours()...)
	_, err := e.Call(ctx, append(words, "--pull=never", "--publish", "127.0.0.1::8080", image)...)
	var failed *engine.Failed
	if errors.As(err, &failed) && outcome == lesson.Fails {
		return nil
	}
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		container, err := e.Inspect(ctx, name)
		switch {
		case err != nil:
			return err
		case container.Status != "running" && outcome == lesson.Fails:
			return nil
		case container.Status != "running":
			return fmt.Errorf("%s has ended", strings.TrimPrefix(image, engine.Repository+":"))
		case answers(ctx, container.Host):
			return nil
		case time.Now().After(deadline):
			return errors.New("no answer within a minute; is the engine on this machine?")
		}
	}
	return ctx.Err()
}

func answers(ctx context.Context, host string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/?message=hello", nil)
	if err != nil {
		return false
	}
	response, err := (&http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}
