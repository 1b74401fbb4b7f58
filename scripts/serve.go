package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/lesson/tell/report"
	"optimizing-dockerfile/internal/program"
)

func serveCommand() *cobra.Command {
	var address string
	var noReport bool
	cmd := &cobra.Command{
		Use:     "serve [BUNDLE]",
		Short:   "offer bundle, instructions and report to the room over HTTP",
		GroupID: "teach",
		Args:    words(0, 1, "serve offers one bundle: serve "+bundleName),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := append(args, bundleName)[0]
			b, err := bundle.Open(file)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no bundle %s\nMake it first: %s bundle %s", file, program.Call(), tell.Word(file))
			}
			var damaged *bundle.Damaged
			if errors.As(err, &damaged) {
				return fmt.Errorf("%w\nMake it again: %s bundle %s", err, program.Call(), tell.Word(file))
			}
			if err != nil {
				return err
			}
			defer b.Close()
			repo, err := findRepo()
			if err != nil {
				return err
			}
			dir, _, err := loadSteps(repo, "")
			if err != nil {
				return err
			}
			var page []byte
			if !noReport {
				if page, err = report.Render(dir); err != nil {
					return err
				}
			}
			listener, err := net.Listen("tcp", address)
			if err != nil {
				return fmt.Errorf("cannot listen on %s: %w\nChoose another one: serve --addr 127.0.0.1:8001", address, err)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "Serving %s: %s, SHA-256 %s\n", file, rebuild.MB(b.Size), b.Sum)
			all := bundle.Addresses(listener)
			for _, url := range all {
				fmt.Fprintln(out, "  "+url)
			}
			fmt.Fprintf(out, "Linux, macOS:  curl -fsS %s/get.sh | sh\nPowerShell:    irm %s/get.ps1 | iex\n", all[0], all[0])
			if at, ok := listener.Addr().(*net.TCPAddr); ok && at.IP.IsLoopback() {
				fmt.Fprintf(out, "Only this machine reaches it. For the room: serve --addr 0.0.0.0:%d\n", at.Port)
			}
			fmt.Fprintln(out, "Ctrl-C ends it.")
			return bundle.Serve(cmd.Context(), listener, b, page)
		},
	}
	cmd.Flags().BoolVar(&noReport, "no-report", false, "do not offer the report, which tells how the steps end")
	cmd.Flags().StringVar(&address, "addr", "127.0.0.1:8000", "HOST:PORT to listen on; 0.0.0.0:8000 lets the room in")
	return cmd
}
