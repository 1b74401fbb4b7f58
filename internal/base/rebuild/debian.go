package rebuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/screen"
)

// debian gets packages out of Debian's or Ubuntu's archive, through the
// system's own apt, but into folders of our own: nothing is installed, no root
// is needed, and the system's lists need not be fresh.
type debian struct {
	arch     string
	packages []string
	folder   string // in the cache: the packages, and their checksums
	work     string // for this run
	say      screen.Reporter
}

// archive is a package's file, as the archive's signed index describes it.
type archive struct {
	uri, name, sha256 string
	size              int64
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
	screen.Sayf(d.say, "reading the list of packages of this system's archive")
	// A source that does not answer may be one that is not needed.
	_, updated := d.apt(ctx, "update")
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
	list := []string{d.request()}
	for _, a := range wanted {
		if !d.whole(a.name, a.sha256) {
			return nil, fmt.Errorf("%s came damaged, its checksum is not the archive's; try again", a.name)
		}
		list = append(list, a.sha256+"  "+a.name)
	}
	text := strings.Join(append(list, sumsEnd), "\n") + "\n"
	if err := atomicfile.Write(filepath.Join(d.folder, sums), []byte(text), d.folder); err != nil {
		return nil, err
	}
	return d.kept()
}

// request is the first line of the list of checksums: what it is a list for.
func (d *debian) request() string { return "# " + strings.Join(d.packages, " ") }

// whole says whether a file is here and has its checksum. Another one is removed.
func (d *debian) whole(name, sum string) bool {
	file := filepath.Join(d.folder, filepath.Base(name))
	got, err := sha256Of(file)
	if err == nil && got != sum {
		screen.Sayf(d.say, "%s in the cache is damaged: downloading it again", name)
		os.Remove(file)
	}
	return err == nil && got == sum
}

// kept gives the files of an earlier run if all are here and whole, and were
// asked for in the same words.
func (d *debian) kept() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(d.folder, sums))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := len(lines) - 1
	whole := last > 1 && lines[0] == d.request() && lines[last] == sumsEnd
	var files []string
	for _, line := range lines[1:max(1, last)] {
		sum, name, _ := strings.Cut(line, "  ")
		whole = d.whole(name, sum) && whole
		files = append(files, filepath.Join(d.folder, filepath.Base(name)))
	}
	if !whole {
		return nil, nil
	}
	sort.Strings(files)
	return files, nil
}

var uriLine = regexp.MustCompile(`(?m)^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$`)

// wanted asks apt what it would download had it nothing.
func (d *debian) wanted(ctx context.Context) (all []archive, err error) {
	nothing := "Dir::Cache::archives=" + filepath.Join(d.work, "nothing")
	out, err := d.apt(ctx, append([]string{"install", "--print-uris", "-o", nothing}, d.packages...)...)
	for _, m := range uriLine.FindAllStringSubmatch(out, -1) {
		size, _ := strconv.ParseInt(m[3], 10, 64)
		all = append(all, archive{uri: m[1], name: m[2], size: size, sha256: m[4]})
	}
	if len(all) == 0 && err == nil {
		err = errors.New("apt-get names no file for the packages " + strings.Join(d.packages, ", "))
	}
	return all, err
}

func (d *debian) download(ctx context.Context, wanted []archive) error {
	others, _ := filepath.Glob(filepath.Join(d.folder, "*.deb"))
	var missing, here int64
	for _, a := range wanted {
		file := filepath.Join(d.folder, a.name)
		others = slices.DeleteFunc(others, func(other string) bool { return other == file })
		path, local := strings.CutPrefix(a.uri, "file:")
		switch {
		case d.whole(a.name, a.sha256):
			here += a.size
		case local: // apt reads an archive on a disk in its place; it has to come with us
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(file, text, 0o644)
			}
			if err != nil {
				return err
			}
		default:
			missing += a.size
		}
	}
	for _, file := range others { // of another version
		os.Remove(file)
	}
	if missing == 0 {
		return nil
	}
	screen.Sayf(d.say, "downloading Debian's packages: %s", MB(missing))
	defer Tick(5*time.Second, func(time.Duration) {
		screen.Sayf(d.say, "Debian's packages: %s of %s", MB(sizeOf(d.folder)-here), MB(missing))
	})()
	_, err := d.apt(ctx, append([]string{"install", "--download-only"}, d.packages...)...)
	return err
}

// configure writes a configuration that is read after the system's own, so
// that its proxy and sources count.
func (d *debian) configure() error {
	for _, dir := range []string{d.work + "/lists/partial", d.work + "/nothing/partial", d.work + "/log", d.folder + "/partial"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
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

// apt runs apt-get and gives what it prints.
func (d *debian) apt(ctx context.Context, args ...string) (string, error) {
	args = append([]string{"-c", filepath.Join(d.work, "apt.conf"), "-q"}, args...)
	return runProgram(ctx, d.work, []string{"DEBIAN_FRONTEND=noninteractive"}, "apt-get", args...)
}
