package rebuild

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/atomicfile"
)

// debian gets packages out of Debian's or Ubuntu's archive, through the
// system's own apt, but into folders of our own: nothing is installed, no root
// is needed, and the system's lists need not be fresh.
type debian struct {
	arch     string
	packages []string
	folder   string // in the cache: the packages, and their checksums
	work     string // for this run
	say      Progress
}

// archive is a package's file, as the archive's signed index describes it.
type archive struct {
	uri    string
	name   string
	size   int64
	sha256 string
}

const (
	sums    = "SHA256SUMS"
	sumsEnd = "# end" // the last line: a list that was cut off lacks it, not a package
)

// fetch gives the files of the packages and of all that they depend on, each
// checked. Those that are here are used without asking anybody.
func (d *debian) fetch(ctx context.Context) ([]string, error) {
	kept, err := d.kept()
	if kept != nil || err != nil {
		return kept, err
	}
	if err := d.configure(); err != nil {
		return nil, err
	}
	d.say.Sayf("reading the list of packages of this system's archive")
	// A source that does not answer may be one that is not needed.
	updated := d.apt(ctx, nil, "update")
	wanted, err := d.wanted(ctx)
	if err != nil {
		if updated != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w (apt-get update: %v)", err, updated)
		}
		return nil, err
	}
	if err := d.download(ctx, wanted); err != nil {
		return nil, err
	}
	var list strings.Builder
	list.WriteString(d.request())
	for _, a := range wanted {
		file := filepath.Join(d.folder, a.name)
		if got, err := sha256Of(file); err != nil {
			return nil, err
		} else if got != a.sha256 {
			os.Remove(file)
			return nil, fmt.Errorf("%s came damaged, its checksum is not the archive's; try again", a.name)
		}
		fmt.Fprintf(&list, "%s  %s\n", a.sha256, a.name)
	}
	list.WriteString(sumsEnd + "\n")
	if err := atomicfile.Write(filepath.Join(d.folder, sums), []byte(list.String()), d.folder); err != nil {
		return nil, err
	}
	return d.kept()
}

// request is the first line of the list of checksums: what it is a list for.
func (d *debian) request() string { return "# " + strings.Join(d.packages, " ") + "\n" }

// kept gives the files of an earlier run if all are here and whole, and were
// asked for in the same words. A damaged one is removed, so that only it is
// downloaded again.
func (d *debian) kept() ([]string, error) {
	list, err := os.Open(filepath.Join(d.folder, sums))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var files []string
	lines := bufio.NewScanner(list)
	whole, ended := lines.Scan() && lines.Text()+"\n" == d.request(), false
	for lines.Scan() {
		if ended = lines.Text() == sumsEnd; ended {
			continue
		}
		want, name, _ := strings.Cut(lines.Text(), "  ")
		file := filepath.Join(d.folder, filepath.Base(name))
		if got, err := sha256Of(file); err != nil || got != want {
			whole = false
			d.say.Sayf("%s in the cache is damaged: downloading it again", filepath.Base(name))
			os.Remove(file)
			continue
		}
		files = append(files, file)
	}
	if !whole || !ended || len(files) == 0 {
		return nil, os.Remove(list.Name())
	}
	sort.Strings(files)
	return files, nil
}

// wanted asks apt what it would download had it nothing.
func (d *debian) wanted(ctx context.Context) ([]archive, error) {
	var out strings.Builder
	args := append([]string{"install", "--print-uris", "-o", "Dir::Cache::archives=" + filepath.Join(d.work, "nothing")}, d.packages...)
	if err := d.apt(ctx, &out, args...); err != nil {
		return nil, err
	}
	wanted := parseURIs(out.String())
	if len(wanted) == 0 {
		return nil, errors.New("apt-get names no file for the packages " + strings.Join(d.packages, ", "))
	}
	return wanted, nil
}

var uriLine = regexp.MustCompile(`(?m)^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$`)

// parseURIs reads the lines that `apt-get --print-uris` prints for files.
func parseURIs(text string) []archive {
	var all []archive
	for _, m := range uriLine.FindAllStringSubmatch(text, -1) {
		size, _ := strconv.ParseInt(m[3], 10, 64)
		all = append(all, archive{uri: m[1], name: m[2], size: size, sha256: m[4]})
	}
	return all
}

func (d *debian) download(ctx context.Context, wanted []archive) error {
	names := map[string]bool{}
	var missing, here int64
	for _, a := range wanted {
		names[a.name] = true
		file := filepath.Join(d.folder, a.name)
		if got, err := sha256Of(file); err == nil && got == a.sha256 {
			here += a.size
			continue
		}
		os.Remove(file)
		// apt reads an archive on a disk in its place; it has to come with us.
		if path, local := strings.CutPrefix(a.uri, "file:"); local {
			if err := place(path, file); err != nil {
				return err
			}
			continue
		}
		missing += a.size
	}
	others, _ := filepath.Glob(filepath.Join(d.folder, "*.deb"))
	for _, file := range others { // of another version
		if !names[filepath.Base(file)] {
			os.Remove(file)
		}
	}
	if missing == 0 {
		return nil
	}
	d.say.Sayf("downloading Debian's packages: %s", MB(missing))
	stop := Tick(5*time.Second, func(time.Duration) {
		d.say.Sayf("Debian's packages: %s of %s", MB(sizeOf(d.folder)-here), MB(missing))
	})
	defer stop()
	return d.apt(ctx, nil, append([]string{"install", "--download-only"}, d.packages...)...)
}

// configure writes a configuration that is read after the system's own, so
// that its proxy and sources count.
func (d *debian) configure() error {
	for _, dir := range []string{"lists/partial", "nothing/partial", "log"} {
		if err := os.MkdirAll(filepath.Join(d.work, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(d.folder, "partial"), 0o755); err != nil {
		return err
	}
	text := fmt.Sprintf(`// What the system wants done after its own downloads is not for ours.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
Dir::State "%[1]s";
Dir::State::lists "%[1]s/lists";
Dir::State::status "/dev/null"; // as if nothing were installed
Dir::Cache "%[1]s";
Dir::Cache::archives "%[2]s";
Dir::Log "%[1]s/log";
Debug::NoLocking "true"; // the folders are ours, and locked by us
APT::Sandbox::User "";
APT::Architecture "%[3]s";
APT::Architectures { "%[3]s"; };
APT::Install-Recommends "false";
APT::Get::Assume-Yes "true";
APT::Get::AllowUnauthenticated "false";
Acquire::ForceHash "SHA256";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-large::DefaultEnabled "false";
Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
`, d.work, d.folder, d.arch)
	return os.WriteFile(filepath.Join(d.work, "apt.conf"), []byte(text), 0o644)
}

// apt runs apt-get; stdout may be nil.
func (d *debian) apt(ctx context.Context, stdout *strings.Builder, args ...string) error {
	args = append([]string{"-c", filepath.Join(d.work, "apt.conf"), "-q"}, args...)
	return runProgram(ctx, d.work, []string{"DEBIAN_FRONTEND=noninteractive"}, stdout, "apt-get", args...)
}
