package rebuild

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// lockWait bounds how long a run waits for another that rebuilds a base.
const lockWait = 15 * time.Minute

// cache is the folder of downloads, while this process alone may change it.
type cache struct {
	dir  string
	work string // a folder in it, for this run only
	lock *flock.Flock
	say  screen.Reporter
}

// openCache waits for its turn, and clears away what a run that was cut off
// left there. The lock is the operating system's: it ends with its holder.
func openCache(ctx context.Context, say screen.Reporter) (*cache, error) {
	dir, err := program.CacheDir()
	if err != nil {
		return nil, err
	}
	c := &cache{dir: dir, lock: flock.New(filepath.Join(dir, "lock")), say: say}
	for {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("no folder for downloads: %w; set %s to one that can be written to", err, program.CacheVariable)
		}
		if err := c.wait(ctx); errors.Is(err, fs.ErrNotExist) {
			continue // `clean` removed the folder
		} else if err != nil {
			return nil, fmt.Errorf("cannot lock the folder for downloads: %w", err)
		}
		held, err := c.lock.Stat()
		there, gone := os.Stat(c.lock.Path())
		if err == nil && gone == nil && os.SameFile(held, there) {
			break
		}
		c.lock.Unlock() // `clean` removed the file that was waited for: its lock is nobody's
	}
	left, _ := filepath.Glob(filepath.Join(dir, "work-*"))
	for _, old := range left {
		err = errors.Join(err, os.RemoveAll(old))
	}
	if err == nil {
		c.work, err = os.MkdirTemp(dir, "work-")
	}
	if err != nil {
		c.lock.Unlock()
		return nil, err
	}
	return c, nil
}

// wait takes the lock, as soon as no other run holds it.
func (c *cache) wait(ctx context.Context) error {
	if got, err := c.lock.TryLock(); got || err != nil {
		return err
	}
	screen.Sayf(c.say, "waiting for another run that rebuilds a base (it holds %s)", c.lock.Path())
	defer screen.Meanwhile(c.say, 15*time.Second, func(passed string) string { return "still waiting for it, " + passed })()
	waiting, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	_, err := c.lock.TryLockContext(waiting, 200*time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("another run has been rebuilding a base for %v; end it, or wait and try again", lockWait)
	}
	return err
}

func (c *cache) close() {
	os.RemoveAll(c.work)
	c.lock.Unlock()
}

// id tells what is built from this cache from what is built from another.
func (c *cache) id() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%x", sha256.Sum256([]byte(host+" "+c.dir)))[:12]
}

// RemoveCache removes the downloads, when no other run needs them any more, and
// the folder if nothing is left in it: the ledger stays as long as it lists
// something of another engine. first is done before that, while no run rebuilds a base.
func RemoveCache(ctx context.Context, dir string, say screen.Reporter, first func() error) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return first()
	}
	c, err := openCache(ctx, say)
	if err != nil {
		return err
	}
	defer c.close()
	if err := first(); err != nil {
		return err
	}
	files, err := os.ReadDir(c.dir)
	left := false
	for _, file := range files {
		if file.Name() == engine.LedgerFile {
			left = true
		} else if path := filepath.Join(c.dir, file.Name()); path != c.lock.Path() {
			err = cmp.Or(err, os.RemoveAll(path))
		}
	}
	if left || err != nil {
		return err
	}
	if err := os.Remove(c.lock.Path()); err != nil { // Windows removes no file that is open
		c.close()
		os.Remove(c.lock.Path())
	}
	return os.Remove(c.dir)
}

// lend puts into dir the files of a folder of the cache that were asked for in these words. What fetch
// does not make, such as an earlier version of this tool did, is not among them.
func (c *cache) lend(dir, name, request string, fetch func(folder string) error) error {
	folder, err := c.download(name, request, func(folder string) error {
		return errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755), fetch(folder))
	})
	if err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(folder))
}

// download gives a folder of the cache that was asked for in these words. Where all its files
// are there, as they came, nobody is asked; else fetch gets those that it lacks.
func (c *cache) download(name, request string, fetch func(folder string) error) (folder string, err error) {
	folder = filepath.Join(c.dir, name)
	list := folder + ".sums"
	came, _ := os.ReadFile(list)
	here, err := listOf(folder, request)
	if err == nil && here == string(came) {
		return folder, nil
	}
	os.Remove(list) // first: no run may believe it once files are gone
	for line := range strings.Lines(here) {
		if _, file, isFile := strings.Cut(line, "  "); isFile && len(came) > 0 && !strings.Contains(string(came), line) {
			file = strings.TrimSpace(file)
			screen.Sayf(c.say, "%s in the cache is damaged: downloading it again", file)
			os.Remove(filepath.Join(folder, file))
		}
	}
	if err = os.MkdirAll(folder, 0o755); err == nil {
		err = fetch(folder)
	}
	if err == nil {
		here, err = listOf(folder, request)
	}
	if err == nil {
		err = atomicfile.Write(list, []byte(here), c.work)
	}
	return folder, err
}

// listOf lists a folder's files with their checksums, below the words that they were asked for in.
func listOf(folder, request string) (string, error) {
	list := "# " + request + "\n"
	files, err := os.ReadDir(folder)
	for _, file := range files {
		if file.Type().IsRegular() {
			sum, failed := sha256Of(filepath.Join(folder, file.Name()))
			list, err = list+sum+"  "+file.Name()+"\n", errors.Join(err, failed)
		}
	}
	return list, err
}

func sha256Of(file string) (string, error) {
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, in)
	return fmt.Sprintf("%x", hash.Sum(nil)), err
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
