package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

func loadCommand() *cobra.Command {
	var into, sum string
	cmd := &cobra.Command{
		Use:     "load FILE|FOLDER|URL",
		Short:   "take a teacher's bundle: afterwards no step needs a network",
		GroupID: "teach",
		Args:    words(1, 1, "load takes a bundle: a file, the folder that it lies in, or a URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return load(cmd.Context(), args[0], into, sum, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&into, "into", "", "the folder for the lesson (default: ./"+bundle.Folder+"; none inside a clone)")
	cmd.Flags().StringVar(&sum, "sha256", "", "the bundle's SHA-256, as its maker saw it: load no other")
	return cmd
}

func load(ctx context.Context, from, into, sum string, stdout, stderr io.Writer) error {
	say := tell.Plain{Writer: stderr}
	e, err := connect(ctx, say)
	if err != nil {
		return err
	}
	file, downloaded, err := brought(ctx, from, say)
	if err != nil {
		return err
	}
	say.Say("checking " + file)
	b, err := bundle.Open(file)
	var damaged *bundle.Damaged
	switch {
	case errors.As(err, &damaged):
		err = fmt.Errorf("%w\nNothing was loaded. Get the file again, and load that.", err)
	case err == nil && sum != "" && !strings.EqualFold(sum, b.Sum):
		b.Close()
		err = fmt.Errorf("%s is another bundle: its SHA-256 is %s, not %s\n"+
			"Nothing was loaded. Ask whoever told you the sum for the file.", file, b.Sum, sum)
	}
	if err != nil {
		if downloaded { // or the next attempt would find it complete
			os.Remove(file)
		}
		return err
	}
	defer b.Close()
	if _, err := b.For(e.Arch); err != nil {
		return err
	}
	root, tool, err := unpack(b, into, e.Arch)
	if err != nil {
		return err
	}
	if err := b.Load(ctx, e, say); err != nil {
		return err
	}
	if downloaded {
		b.Close()
		warn(say, os.Remove(file))
	}
	fmt.Fprintf(stdout, "Checked, %s, SHA-256 %s. The base is in %s.\n", rebuild.MB(b.Size), b.Sum, e.Name)
	if root == "" {
		fmt.Fprintf(stdout, "Next, and no network is needed: %s learn\n", program.Call())
		return nil
	}
	fmt.Fprintf(stdout, "The lesson is in %s. Next, and no network is needed:\n  cd %s\n  %s learn\n"+
		"In a class, where you type along: copy workshop/start to mine, and ask\n  %s check mine\n", root, tell.Word(root), tool, tool)
	return nil
}

// brought gives the bundle's path on this machine, and whether it was downloaded for this.
func brought(ctx context.Context, from string, say screen.Reporter) (file string, downloaded bool, err error) {
	if bundle.IsURL(from) {
		cache, err := program.CacheDir()
		if err != nil {
			return "", false, err
		}
		file, err := bundle.Fetch(ctx, from, cache, say)
		return file, true, err
	}
	info, err := os.Stat(from)
	if err != nil {
		return "", false, usageError{err}
	}
	if !info.IsDir() {
		return from, false, nil
	}
	found, err := filepath.Glob(filepath.Join(from, "*.tar"))
	if err != nil {
		return "", false, err
	}
	if len(found) != 1 {
		return "", false, usagef("%s holds %d files that end in .tar: name the one to load", from, len(found))
	}
	return found[0], false, nil
}

// unpack puts the lesson where it is wanted, and returns the folder and how the
// tool is called from there. Inside a clone nothing is unpacked, if the clone can
// use the bundle's base; "" then.
func unpack(b *bundle.Bundle, into, arch string) (root, tool string, err error) {
	if into == "" {
		if repo, err := findRepo(); err == nil && repo.Here {
			return "", "", fits(b, repo, arch)
		}
		into = bundle.Folder
	}
	if tool, err = b.Unpack(into); err != nil {
		return "", "", err
	}
	if tool, err = filepath.Rel(into, tool); err != nil {
		return "", "", err
	}
	if filepath.Separator == '\\' {
		tool = `.\` + tool // PowerShell runs nothing of this folder without it
	}
	return into, tool, nil
}

// fits says whether this clone would use the bundle's base.
func fits(b *bundle.Bundle, repo program.Repo, arch string) error {
	images, err := b.For(arch)
	if err != nil {
		return err
	}
	for _, image := range images {
		wanted, err := findBase(repo, image.ID)
		if err != nil {
			return err
		}
		if recipe, err := wanted.Recipe.Digest(arch); err != nil || recipe != image.Recipe {
			return fmt.Errorf("this clone and the bundle are of different versions: it could not use the bundle's base\n" +
				"Use the bundle's own copy of the lesson: load … --into FOLDER")
		}
	}
	return nil
}
