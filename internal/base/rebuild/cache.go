package rebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"optimizing-dockerfile/internal/program"
)

// lockWait bounds how long a run waits for another that rebuilds a base.
const lockWait = 15 * time.Minute

// cache is the folder of downloads, while this process alone may change it.
type cache struct {
	dir  string
	lock *flock.Flock
}

// openCache waits for its turn, and clears away what a run that was cut off
// left there. The lock is the operating system's: it ends with its holder.
func openCache(ctx context.Context, say Progress) (*cache, error) {
	dir, err := program.CacheDir()
	if err != nil {
		return nil, err
	}
	c := &cache{dir: dir, lock: flock.New(filepath.Join(dir, "lock"))}
	for own := false; !own; {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("no folder for downloads: %w; set %s to one that can be written to", err, program.CacheVariable)
		}
		if err := c.wait(ctx, say); errors.Is(err, fs.ErrNotExist) {
			continue // `clean` removed the folder
		} else if err != nil {
			return nil, fmt.Errorf("cannot lock the folder for downloads: %w", err)
		}
		// If it removed the file that was waited for, the lock is nobody's.
		held, err := c.lock.Stat()
		there, gone := os.Stat(c.lock.Path())
		if own = err == nil && gone == nil && os.SameFile(held, there); !own {
			c.close()
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "work-*"))
	for _, old := range left {
		if err := removeTree(old); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// wait takes the lock, as soon as no other run holds it.
func (c *cache) wait(ctx context.Context, say Progress) error {
	if got, err := c.lock.TryLock(); got || err != nil {
		return err
	}
	say.Sayf("waiting for another run that rebuilds a base (it holds %s)", c.lock.Path())
	defer Tick(15*time.Second, func(passed time.Duration) { say.Sayf("still waiting for it (%s)", Seconds(passed)) })()
	waiting, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	_, err := c.lock.TryLockContext(waiting, 200*time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("another run has been rebuilding a base for %v; end it, or wait and try again", lockWait)
	}
	return err
}

func (c *cache) close() { c.lock.Unlock() }

// id tells what is built from this cache from what is built from another.
func (c *cache) id() string {
	host, _ := os.Hostname()
	sum := sha256.Sum256([]byte(host + " " + c.dir))
	return hex.EncodeToString(sum[:6])
}

// work makes a folder for what is needed during one run only.
func (c *cache) work() (string, error) { return os.MkdirTemp(c.dir, "work-") }

// folder makes and gives a folder of the cache that stays.
func (c *cache) folder(name string) (string, error) {
	dir := filepath.Join(c.dir, name)
	return dir, os.MkdirAll(dir, 0o755)
}

// removeTree removes a folder, also one of Go's module cache, which is read-only.
func removeTree(dir string) error {
	filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			os.Chmod(file, 0o755)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// place gives a file a second name, at no cost where the system can, else a copy.
func place(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func sha256Of(file string) (string, error) {
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, in)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// sizeOf gives the bytes in a folder's files. What vanishes meanwhile does not count.
func sizeOf(dir string) (sum int64) {
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// MB gives a size as docker does, in millions of bytes.
func MB(bytes int64) string { return fmt.Sprintf("%d MB", (bytes+500_000)/1_000_000) }

// Seconds is a time as it is told: in whole ones.
func Seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Seconds()+0.5)) }

// Tick calls f every so often with the time passed, until the function that it
// returns is called.
func Tick(every time.Duration, f func(passed time.Duration)) (stop func()) {
	begin, ticker, done, ended := time.Now(), time.NewTicker(every), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				f(time.Since(begin))
			case <-done:
				ticker.Stop()
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}
