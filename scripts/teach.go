package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/internal/classroom/ready"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/lesson/tell/report"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

func readyCommand() *cobra.Command {
	var asJSON bool
	cmd := verb("teach", "ready", "say, the day before, whether this machine can do all of it", cobra.NoArgs, func(c *call) error {
		l, wanted, e := c.setUp("")
		m := ready.Machine{Engine: e, Base: wanted, App: l.all[0].Dir, Root: l.repo.Root, Say: c.say}
		checks := must(m.Examine(c))
		worst := 0 // of ok, unclear, lacking
		for _, check := range checks {
			state := 0
			if check.Unclear {
				state = 1
			} else if check.Lack != "" {
				state = 2
			}
			worst = max(worst, state)
			if asJSON {
				continue
			}
			fmt.Fprintf(c.out, "%-5s %-10s %s\n", []string{"ok", "?", "LACK"}[state], check.Name, cmp.Or(check.Lack, check.Found))
			if check.Fix != "" {
				fmt.Fprintf(c.out, "%16s fix: %s\n", "", check.Fix)
			}
		}
		if asJSON {
			c.json(struct {
				Schema int            `json:"schema"`
				Kind   string         `json:"kind"`
				Engine *engine.Engine `json:"engine"`
				Checks []ready.Check  `json:"checks"`
			}{1, "ready", e, checks})
		} else {
			c.out.Say([]string{"READY: every step will run here, with no network.", "CANNOT TELL.", "NOT READY."}[worst])
		}
		return []error{nil, status(exitEnvironment), status(exitUnexpected)}[worst]
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document, to paste into a report")
	return cmd
}

func reportCommand() *cobra.Command {
	return verb("teach", "report [FILE]", "write the lesson as one HTML page: to read, print, teach from", nil, func(c *call) error {
		file := c.word("report writes one file: report report.html; - is stdout", "report.html")
		page := must(report.Render(courseOf("").dir))
		if file == "-" {
			c.out.Write(page)
			return nil
		}
		endOn(os.WriteFile(file, page, 0o644))
		c.out.Say("Wrote " + file + ": open it in a browser; → shows the next beat.")
		return nil
	})
}

// bundleName is the file that `bundle` writes and `serve` offers, unless told otherwise.
const bundleName = "optimizing-dockerfile.tar"

func bundleCommand() *cobra.Command {
	var join []string
	cmd := verb("teach", "bundle [FILE]", "write one file with all that learners need without a network", nil, func(c *call) error {
		file := c.word("bundle writes one file: bundle "+bundleName, bundleName)
		l, wanted, e := c.setUp("")
		b := must(bundle.Make(c, bundle.Order{Root: l.repo.Root, Engine: e, Base: wanted, Join: join, Say: c.say}, file))
		defer b.Close()
		fmt.Fprintf(c.out, "%s: %s, SHA-256 %s\n", file, screen.Size(b.Size), b.Sum)
		for _, image := range b.Bases {
			fmt.Fprintf(c.out, "It holds %s for engines on %s (%s there),\n", image.Image, image.Arch, screen.Size(image.Bytes))
		}
		fmt.Fprintf(c.out, "the lesson's folders, and the tool for %d kinds of machines.\n", len(b.Tools))
		fmt.Fprintf(c.out, "Offer it to the room: %s serve %s\n", program.Call(), tell.Word(file))
		return nil
	})
	cmd.Flags().StringArrayVar(&join, "join", nil, "a bundle made on another kind of machine: take over its base")
	return cmd
}

func serveCommand() *cobra.Command {
	var address string
	var noReport bool
	cmd := verb("teach", "serve [BUNDLE]", "offer bundle, instructions and report to the room over HTTP", nil, func(c *call) error {
		file := c.word("serve offers one bundle: serve "+bundleName, bundleName)
		b, err := bundle.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no bundle %s\nMake it first: %s bundle %s", file, program.Call(), tell.Word(file))
		} else if errors.Is(err, bundle.ErrDamaged) {
			err = fmt.Errorf("%w\nMake it again: %s bundle %s", err, program.Call(), tell.Word(file))
		}
		endOn(err)
		defer b.Close()
		var page []byte
		if !noReport {
			page = must(report.Render(courseOf("").dir))
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("cannot listen on %s: %w\nChoose another one: serve --addr 127.0.0.1:8001", address, err)
		}
		fmt.Fprintf(c.out, "Serving %s: %s, SHA-256 %s\n", file, screen.Size(b.Size), b.Sum)
		at := listener.Addr().(*net.TCPAddr)
		all := bundle.Addresses(at)
		for _, url := range all {
			c.out.Say("  " + url)
		}
		fmt.Fprintf(c.out, "Linux, macOS:  curl -fsS %s/get.sh | sh\nPowerShell:    irm %s/get.ps1 | iex\n", all[0], all[0])
		if at.IP.IsLoopback() {
			fmt.Fprintf(c.out, "Only this machine reaches it. For the room: serve --addr 0.0.0.0:%d\n", at.Port)
		}
		c.out.Say("Ctrl-C ends it.")
		return bundle.Serve(c, listener, b, page)
	})
	cmd.Flags().BoolVar(&noReport, "no-report", false, "do not offer the report, which tells how the steps end")
	cmd.Flags().StringVar(&address, "addr", "127.0.0.1:8000", "HOST:PORT to listen on; 0.0.0.0:8000 lets the room in")
	return cmd
}

func loadCommand() *cobra.Command {
	var into, sum string
	cmd := verb("teach", "load FILE|FOLDER|URL", "take a teacher's bundle: afterwards no step needs a network", nil, func(c *call) error {
		from := c.word("load takes a bundle: a file, the folder that it lies in, or a URL")
		e, file := must(connect(c, c.say)), brought(c, from)
		c.say.Say("checking " + file)
		b, err := bundle.Open(file)
		if errors.Is(err, bundle.ErrDamaged) {
			err = fmt.Errorf("%w\nNothing was loaded. Get the file again, and load that.", err)
		} else if err == nil && sum != "" && !strings.EqualFold(sum, b.Sum) {
			b.Close()
			err = fmt.Errorf("%s is another bundle: its SHA-256 is %s, not %s\n"+
				"Nothing was loaded. Ask whoever told you the sum for the file.", file, b.Sum, sum)
		}
		if err != nil {
			if bundle.IsURL(from) { // or the next attempt would find it complete
				os.Remove(file)
			}
			return err
		}
		defer b.Close()
		images := must(b.For(e.Arch))
		root, tool := unpack(b, images, into)
		endOn(b.Load(c, e, images, c.say))
		if bundle.IsURL(from) {
			b.Close()
			warn(c.say, os.Remove(file))
		}
		fmt.Fprintf(c.out, "Checked, %s, SHA-256 %s. The base is in %s.\n", screen.Size(b.Size), b.Sum, e.Name)
		if root == "" {
			fmt.Fprintf(c.out, "Next, and no network is needed: %s learn\n", program.Call())
			return nil
		}
		fmt.Fprintf(c.out, "The lesson is in %s. Next, and no network is needed:\n  cd %s\n  %s learn\n"+
			"In a class, where you type along: copy workshop/start to mine, and ask\n  %s check mine\n", root, tell.Word(root), tool, tool)
		return nil
	})
	cmd.Flags().StringVar(&into, "into", "", "the folder for the lesson (default: ./"+bundle.Folder+"; none inside a clone)")
	cmd.Flags().StringVar(&sum, "sha256", "", "the bundle's SHA-256, as its maker saw it: load no other")
	return cmd
}

// brought gives the bundle's path on this machine.
func brought(c *call, from string) string {
	if bundle.IsURL(from) {
		return must(bundle.Fetch(c, from, must(program.CacheDir()), c.say))
	}
	if !must(usage(os.Stat(from))).IsDir() {
		return from
	}
	found := must(fs.Glob(os.DirFS(from), "*.tar"))
	if len(found) != 1 {
		endOn(usagef("%s holds %d files that end in .tar: name the one to load", from, len(found)))
	}
	return filepath.Join(from, found[0])
}

// unpack puts the lesson where it is wanted, and returns the folder and how the
// tool is called from there. Inside a clone nothing is unpacked, if the clone can
// use the bundle's images; "" then.
func unpack(b *bundle.Bundle, images []bundle.Base, into string) (root, tool string) {
	if repo, err := program.FindRepo(); into == "" && err == nil && repo.Here {
		l := courseOf("")
		for _, image := range images {
			wanted := must(usage(l.bases.Find(image.ID)))
			if recipe, err := wanted.Recipe.Digest(image.Arch); err != nil || recipe != image.Recipe {
				endOn(errors.New("this clone and the bundle are of different versions: it could not use the bundle's base\n" +
					"Use the bundle's own copy of the lesson: load … --into FOLDER"))
			}
		}
		return "", ""
	}
	root = cmp.Or(into, bundle.Folder)
	tool = must(b.Unpack(root))
	if filepath.Separator == '\\' {
		tool = `.\` + filepath.FromSlash(tool) // PowerShell runs nothing of this folder without it
	}
	return root, tool
}
