package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

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
