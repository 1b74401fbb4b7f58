package rebuild

import (
	"context"
	_ "embed"
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

// packages gives the folder of a recipe's packages, and of all that they depend on.
func (c *cache) packages(ctx context.Context, r *Recipe, arch string) (string, error) {
	return c.download("packages-"+filepath.Base(r.Folder)+"-"+arch, strings.Join(r.Packages, " "), func(folder string) error {
		return c.fetch(ctx, r.Packages, arch, folder)
	})
}

// aptConf is read after the system's own configuration.
//
//go:embed apt.conf
var aptConf []byte

// uriLine is how apt describes a file, as the archive's signed index has it: its name, size and checksum.
var uriLine = regexp.MustCompile(`(?m)^'[^']+' (\S+) (\d+) SHA256:([0-9a-f]{64})$`)

// fetch gets packages out of Debian's or Ubuntu's archive into a folder, with all that they
// depend on. It is the system's own apt that does it, and checks each, but into folders of our own:
// nothing is installed, no root is needed, and the system's lists need not be fresh.
func (c *cache) fetch(ctx context.Context, packages []string, arch, folder string) error {
	work := filepath.Join(c.work, "apt")
	conf, nothing := filepath.Join(work, "apt.conf"), filepath.Join(work, "nothing")
	for _, dir := range []string{filepath.Join(work, "lists"), nothing, folder} {
		if err := os.MkdirAll(filepath.Join(dir, "partial"), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(conf, aptConf, 0o644); err != nil {
		return err
	}
	apt := func(args ...string) (string, error) {
		options := []string{"-q", "-c", conf, "-o", "Dir::State=" + work, "-o", "Dir::Cache=" + work, "-o", "Dir::Cache::archives=" + folder,
			"-o", "Dir::Log=" + work, "-o", "APT::Architecture=" + arch, "-o", "APT::Architectures::=" + arch}
		return runProgram(ctx, work, []string{"DEBIAN_FRONTEND=noninteractive"}, "apt-get", append(options, args...)...)
	}
	install := func(how ...string) (string, error) { return apt(slices.Concat([]string{"install"}, how, packages)...) }
	screen.Sayf(c.say, "reading the list of packages of this system's archive")
	// A source that does not answer may be one that is not needed.
	_, updated := apt("update")
	out, err := install("--print-uris", "-o", "Dir::Cache::archives="+nothing) // had it nothing
	wanted := uriLine.FindAllStringSubmatch(out, -1)
	if err == nil && len(wanted) == 0 {
		err = errors.New("apt-get names no file for the packages " + strings.Join(packages, ", "))
	}
	if err != nil && updated != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w (apt-get update: %v)", err, updated)
	}
	if err != nil {
		return err
	}
	sums, size := map[string]string{}, int64(0)
	for _, m := range wanted {
		bytes, _ := strconv.ParseInt(m[2], 10, 64)
		size += bytes
		sums[m[1]] = m[3]
	}
	there, _ := filepath.Glob(filepath.Join(folder, "*.deb"))
	for _, file := range there {
		if sum, err := sha256Of(file); err != nil || sum != sums[filepath.Base(file)] { // or it is of another version
			os.Remove(file)
		}
	}
	screen.Sayf(c.say, "downloading Debian's packages: %s", screen.Size(size))
	defer screen.Meanwhile(c.say, 5*time.Second, func(string) string {
		return fmt.Sprintf("Debian's packages: %s of %s", screen.Size(sizeOf(folder)), screen.Size(size))
	})()
	_, err = install("--download-only")
	return err
}

// merged names the folders that a release with a merged /usr keeps under usr/,
// with a link in the old place: Debian since 12, Ubuntu since 20.04. Their
// packages followed later, one by one; some still say lib/, some usr/lib/.
var merged = []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin"}

// layOut unpacks a folder's Debian packages into the folder tree, in one layout whatever the
// release, that of a merged /usr; and packs that into the tar out.
func layOut(ctx context.Context, folder, tree, out string) error {
	for _, name := range merged {
		err := errors.Join(os.MkdirAll(filepath.Join(tree, "usr", name), 0o755), os.Symlink("usr/"+name, filepath.Join(tree, name)))
		if err != nil {
			return err
		}
	}
	options := []string{"--extract", "--directory", tree, "--keep-directory-symlink", "--preserve-permissions"}
	for _, name := range []string{"doc", "info", "lintian", "locale", "man"} { // a third of it all, that no compiler reads
		options = append(options, "--exclude=./usr/share/"+name)
	}
	packages, _ := filepath.Glob(filepath.Join(folder, "*.deb"))
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
