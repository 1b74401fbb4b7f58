package schema

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/workload"
)

// dotEnv is beside the file.
const dotEnv = "# comment\nexport A=a #b\nD=\"d $H\"\n F = x\nG='$H'\nI = ${A}-${N:-n}#\nJ=\"q\\\"\\$\"\nT=true\n\nU=1000\n"

func (m *maker) word() string {
	if m.IntN(400) == 0 {
		return m.one("1", "true", "1.5", "[a]", "{}", `"${"`, `"${A"`, `"a ' b"`, `"${N:?no}"`, `"${E:?no $A}"`, `"(a)"`)
	}
	return m.one("a", "''", "!!str 1", "yes", "'1'", "/b/c", "$A", "$U", `"$$A"`, `"$A$H-$N"`, `"${D}x"`, `"${E:-x}${E-y}"`,
		`"${N:-${A:-b}}}"`, `"${H:+is}${N:+is}"`, `"${N-$$b}"`,
		`"$(A) $1"`, `"${A:?no}"`, `"$"`, `"$G ${I} $J"`, `"${N:-a b}"`, `"${H:-$N} ${A}"`, `"x y"`, `"a:1"`)
}

func (m *maker) words() string {
	return m.one("["+m.some(3, m.word)+"]", m.word(), m.one(`a 'b c' "d e"`, `"a\\ b \"c\\\"d\\x\" ''"`, `"a && b"`, `"a >b"`,
		`"sh -c \"a; b\""`, `"x|y"`, `" a  b "`, "[]", "~"))
}

func (m *maker) flag() string {
	if m.IntN(60) == 0 {
		return m.one("1", "a", "\"${N:-a}\"")
	}
	return m.one("true", "false", "$T", "'false'", "\"${N:-true}\"", "\"${N:-off}\"", "yes")
}

func (m *maker) service(extends string) string {
	value := func() string { return m.one("", "=", "=b", "=$A", "='c'", "=a b", "=$$H") }
	mount := func() string {
		return m.one("./a:/a", "b:/b:ro", "/c", "'~/d:/d/'", "'C:\\e:/e'", "$H:/h", "/:/x/../y",
			"{type: tmpfs, target: /f}", "{type: bind, source: ., target: /g}", "{type: volume, target: /h}")
	}
	image := m.one("image: a:1", "image: $A", "image: '${A}:${N:-1}'", "build: .", "build: {context: .}",
		m.one("image: a", "build: .", "x-y: z"))
	user, folder := m.one("a", "'1'", "'1:2'", m.word()), m.one("/a", "b", m.word())
	return m.fields(image, "entrypoint", m.words(), "command", m.words(), "user", user, "working_dir", folder, "platform", "linux/arm64",
		"privileged", m.flag(), "init", m.flag(), "cap_add", m.one("[]", "[NET_ADMIN, $A]"), "cap_drop", "[ALL]",
		"environment", m.one("[PATH"+value()+", "+m.one("A", "H", "N")+value()+"]", "{H: , N: "+m.one(m.word(), "true", "1.5", "~")+"}"),
		"volumes", "["+m.some(2, mount)+"]", "tmpfs", m.one("/t", "[/t, '/u:size=1']", "'/v/:ro'"), "profiles", "[a]", "x-extends", extends)
}

func (m *maker) project() string {
	all := "services: {a: " + m.service("~")
	for _, name := range []string{"b", "c-c", "d", "e", "f"} {
		all += ", " + name + ": " + strings.Replace(m.service(m.one("a", "{service: a}")), "x-extends", "extends", 1)
	}
	return m.fields(all+"}", "name", m.one("other", "$H", "a_b", "${N:-x-y}", m.one("other", "other", "Ot.her", "-x")))
}

// What is read of a compose file is what compose itself makes of it.
func TestCompose(t *testing.T) {
	logrus.SetOutput(io.Discard)
	agree(t, 200, (*maker).project, func(file string) (all []workload.Container, err error) {
		dir := filepath.Dir(file)
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(dotEnv), 0o644))
		options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(dir), cli.WithEnv(variables),
			cli.WithEnvFiles(), cli.WithDotEnv, cli.WithProfiles([]string{"*"}))
		require.NoError(t, err)
		project, err := options.LoadProject(t.Context())
		if err != nil {
			return nil, err
		}
		for _, name := range project.ServiceNames() {
			s := project.Services[name]
			one := workload.Container{Name: name, Image: s.Image, Platform: s.Platform, Options: doctor.Options{
				Workdir: s.WorkingDir, User: s.User, Args: s.Command, CapAdd: s.CapAdd, CapDrop: s.CapDrop,
				Privileged: s.Privileged, Init: s.Init != nil && *s.Init, Mounts: map[string]bool{}}}
			if one.Image == "" {
				one.Image = project.Name + "-" + name
			}
			if s.Entrypoint != nil {
				one.Options.Entrypoint = (*[]string)(&s.Entrypoint)
			}
			for _, v := range s.Volumes {
				if v.Type != "volume" {
					one.Options.Mounts[path.Clean("/"+v.Target)] = v.Type == "tmpfs"
				}
			}
			for _, t := range s.Tmpfs {
				t, _, _ = strings.Cut(t, ":")
				one.Options.Mounts[path.Clean("/"+t)] = true
			}
			for name, value := range s.Environment {
				if value != nil {
					one.Options.Env = append(one.Options.Env, name+"="+*value)
				}
			}
			all = append(all, one)
		}
		return all, nil
	})
}
