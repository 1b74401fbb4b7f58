package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/screen"
)

// debian gets packages out of Debian's or Ubuntu's archive, through the
// system's own apt, but into folders of our own: nothing is installed, no root
// is needed, and the system's lists need not be fresh.
type debian struct {
	*cache
	arch     string
	packages []string
	work     string // for this run
}

// archive is a package's file, as the archive's signed index describes it.
type archive struct {
	name, sha256 string
	size         int64
}

// packages gives the files of a recipe's packages, and of all that they depend on.
func (c *cache) packages(ctx context.Context, r *Recipe, arch string) ([]string, error) {
	d := &debian{cache: c, arch: arch, packages: r.Packages, work: filepath.Join(c.work, "apt")}
	return c.download("packages-"+filepath.Base(r.Folder)+"-"+arch, strings.Join(r.Packages, " "), func(folder string) error {
		return d.fetch(ctx, folder)
	})
}

// fetch gets the packages and all that they depend on into a folder, each checked.
func (d *debian) fetch(ctx context.Context, folder string) error {
	if err := d.configure(folder); err != nil {
		return err
	}
	screen.Sayf(d.say, "reading the list of packages of this system's archive")
	// A source that does not answer may be one that is not needed.
	_, updated := d.apt(ctx, "update")
	wanted, err := d.wanted(ctx)
	if err != nil {
		if updated != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w (apt-get update: %v)", err, updated)
		}
		return err
	}
	others, _ := filepath.Glob(filepath.Join(folder, "*.deb"))
	var size int64
	for _, a := range wanted {
		size += a.size
		file := filepath.Join(folder, a.name)
		others = slices.DeleteFunc(others, func(other string) bool { return other == file })
		d.whole(file, a.sha256)
	}
	for _, file := range others { // of another version
		os.Remove(file)
	}
	screen.Sayf(d.say, "downloading Debian's packages: %s", screen.Size(size))
	defer screen.Meanwhile(d.say, 5*time.Second, func(string) string {
		return fmt.Sprintf("Debian's packages: %s of %s", screen.Size(sizeOf(folder)), screen.Size(size))
	})()
	if _, err := d.apt(ctx, append([]string{"install", "--download-only"}, d.packages...)...); err != nil {
		return err
	}
	for _, a := range wanted {
		if !d.whole(filepath.Join(folder, a.name), a.sha256) {
			return fmt.Errorf("%s came damaged, its checksum is not the archive's; try again", a.name)
		}
	}
	return nil
}

var uriLine = regexp.MustCompile(`(?m)^'[^']+' (\S+) (\d+) SHA256:([0-9a-f]{64})$`)

// wanted asks apt what it would download had it nothing.
func (d *debian) wanted(ctx context.Context) (all []archive, err error) {
	nothing := "Dir::Cache::archives=" + filepath.Join(d.work, "nothing")
	out, err := d.apt(ctx, append([]string{"install", "--print-uris", "-o", nothing}, d.packages...)...)
	for _, m := range uriLine.FindAllStringSubmatch(out, -1) {
		size, _ := strconv.ParseInt(m[2], 10, 64)
		all = append(all, archive{name: filepath.Base(m[1]), size: size, sha256: m[3]})
	}
	if len(all) == 0 && err == nil {
		err = errors.New("apt-get names no file for the packages " + strings.Join(d.packages, ", "))
	}
	return all, err
}

// configure writes a configuration that is read after the system's own, so
// that its proxy and sources count.
func (d *debian) configure(folder string) error {
	for _, dir := range []string{d.work + "/lists/partial", d.work + "/nothing/partial", d.work + "/log", folder + "/partial"} {
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
`, d.work, folder, d.arch)
	return os.WriteFile(filepath.Join(d.work, "apt.conf"), []byte(text), 0o644)
}

// apt runs apt-get and gives what it prints.
func (d *debian) apt(ctx context.Context, args ...string) (string, error) {
	args = append([]string{"-c", filepath.Join(d.work, "apt.conf"), "-q"}, args...)
	return runProgram(ctx, d.work, []string{"DEBIAN_FRONTEND=noninteractive"}, "apt-get", args...)
}

// merged names the folders that a release with a merged /usr keeps under usr/,
// with a link in the old place: Debian since 12, Ubuntu since 20.04. Their
// packages followed later, one by one; some still say lib/, some usr/lib/.
var merged = []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin"}

// unused are parts of packages that no compiler reads. Without them a third
// less goes to the engine.
var unused = []string{"doc", "info", "lintian", "locale", "man"}

// layOut unpacks Debian packages into the folder tree, in one layout whatever the
// release, that of a merged /usr; and packs that into the tar out.
func layOut(ctx context.Context, packages []string, tree, out string) error {
	for _, name := range merged {
		err := errors.Join(os.MkdirAll(filepath.Join(tree, "usr", name), 0o755), os.Symlink("usr/"+name, filepath.Join(tree, name)))
		if err != nil {
			return err
		}
	}
	options := []string{"--extract", "--directory", tree, "--keep-directory-symlink", "--preserve-permissions"}
	for _, name := range unused {
		options = append(options, "--exclude=./usr/share/"+name)
	}
	for _, file := range packages {
		in, to := io.Pipe()
		files, unpack := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", file), exec.CommandContext(ctx, "tar", options...)
		files.Stdout, unpack.Stdin = to, in
		go func() { to.CloseWithError(run(ctx, files)) }()
		err := run(ctx, unpack)
		in.Close()
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", filepath.Base(file), err)
		}
	}
	_, err := runProgram(ctx, "", nil, "tar", "--create", "--file", out, "--directory", tree, "--owner=0", "--group=0", "--sort=name", ".")
	return err
}
