package e2e

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// aScript is an image with one layer, packed with zstd, of a script that lacks its interpreter; and many bytes below it.
func aScript(t *testing.T, arch string) v1.Image {
	t.Helper()
	layer := func(name, text string, how compression.Compression) v1.Layer {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "etc"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
		for _, file := range []string{"etc/passwd", "etc/group"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), nil, 0o644))
		}
		file := filepath.Join(t.TempDir(), "layer.tar")
		out, err := exec.Command("tar", "-C", dir, "-cf", file, ".").CombinedOutput()
		require.NoError(t, err, "%s", out)
		l, err := tarball.LayerFromFile(file, tarball.WithCompression(how), tarball.WithMediaType(types.OCILayer))
		require.NoError(t, err)
		return l
	}
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		layer("large", strings.Repeat("0123456789", 1<<16), compression.GZip), layer("app", "#!/nowhere/"+arch+"\n", compression.ZStd))
	require.NoError(t, err)
	config, err := img.ConfigFile()
	require.NoError(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", arch, []string{"/app"}
	img, err = mutate.ConfigFile(img, config)
	require.NoError(t, err)
	return img
}

// A real registry, with and without a login, is read without an engine: of an index the platform that is asked for.
func TestTheDoctorReadsARegistry(t *testing.T) {
	engines.Engine(t)
	registry := engines.Registry(t)
	open := httptest.NewServer(registry)
	t.Cleanup(open.Close)
	limit := false
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case limit:
			http.Error(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}`, http.StatusTooManyRequests)
		case user != "reader" || password != "secret":
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		default:
			registry.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(closed.Close)

	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range []string{"unknown", "s390x", runtime.GOARCH} {
		p := v1.Platform{OS: "linux", Architecture: arch}
		add := mutate.IndexAddendum{Add: aScript(t, arch), Descriptor: v1.Descriptor{Platform: &p}}
		if arch == "unknown" { // an attestation, as buildx pushes it
			p.OS = "unknown"
			attested, err := mutate.AppendLayers(empty.Image, static.NewLayer([]byte("{}"), "application/vnd.in-toto+json"))
			require.NoError(t, err)
			add.Add = attested
		}
		index = mutate.AppendManifests(index, add)
	}
	host := strings.TrimPrefix(open.URL, "http://")
	ref, err := name.ParseReference(host + "/some/app:1")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, index, remote.WithAuth(authn.Anonymous)))

	config := t.TempDir()
	ask := func(words ...string) (string, int) {
		command := exec.Command(tool.Path(t), append([]string{"doctor", "--remote"}, words...)...)
		command.Env = append(os.Environ(), "DOCKER_CONFIG="+config, "DOCKER_HOST=unix:///nowhere", "TMPDIR="+t.TempDir())
		var out bytes.Buffer
		command.Stdout, command.Stderr = &out, &out
		command.Run()
		left, _ := os.ReadDir(strings.TrimPrefix(command.Env[len(command.Env)-1], "TMPDIR="))
		assert.Empty(t, left, "left behind")
		return out.String(), command.ProcessState.ExitCode()
	}
	out, status := ask(host + "/some/app:1")
	assert.Equal(t, tool.Unexpected, status, out)
	for _, words := range []string{"missing-interpreter", "/nowhere/" + runtime.GOARCH, "Read from the registry: ", " of 2 layers"} {
		assert.Contains(t, out, words)
	}
	out, _ = ask("--platform", "linux/s390x", host+"/some/app:1")
	assert.Contains(t, out, "/nowhere/s390x")
	behind := strings.TrimPrefix(closed.URL, "http://") + "/some/app:1"
	for _, c := range []struct {
		words  []string
		login  bool
		limit  bool
		status int
		says   string
	}{
		{[]string{"--platform", "linux/riscv64", host + "/some/app:1"}, false, false, tool.Environment, "linux/s390x"},
		{[]string{host + "/some/other"}, false, false, tool.Environment, "has no such image"},
		{[]string{behind}, false, false, tool.Environment, "docker login " + strings.TrimPrefix(closed.URL, "http://")},
		{[]string{behind}, true, false, tool.Unexpected, "missing-interpreter"},
		{[]string{behind}, true, true, tool.Environment, "pull limit"},
		{[]string{"127.0.0.1:1/app"}, false, false, tool.Environment, "reached from here"},
		{[]string{"No/Such:Name"}, false, false, tool.Environment, "no image"},
	} {
		text := "{}"
		if c.login { // reader:secret, as `docker login` keeps it
			text = fmt.Sprintf(`{"auths": {%q: {"auth": "cmVhZGVyOnNlY3JldA=="}}}`, strings.TrimPrefix(closed.URL, "http://"))
		}
		require.NoError(t, os.WriteFile(filepath.Join(config, "config.json"), []byte(text), 0o600))
		limit = c.limit
		out, status := ask(c.words...)
		assert.Equal(t, c.status, status, "%s: %s", c.words, out)
		assert.Contains(t, out, c.says, c.words)
		t.Log(out)
	}
}

// All that the tool does, on every engine: on one it takes as long as all of .ci/run.
func TestEveryEngineAtLength(t *testing.T) {
	here := engines.Long(t)
	catalog, err := base.Load("../../bases")
	require.NoError(t, err)
	var bases []string
	for _, b := range catalog {
		ready, err := base.Portable(t.Context(), here, b, tell.NewTerminal(t.Output()))
		require.NoError(t, err, b.ID)
		bases = append(bases, ready.Image)
	}
	for _, c := range slices.Concat(slices.Collect(maps.Values(engines.Machines(t)))...) {
		t.Run(c.Name, func(t *testing.T) {
			for _, image := range bases {
				c.Load(t, image)
			}
			t.Run("run all --base all", func(t *testing.T) { doOnEveryBase(t, on(t, c, "run", "all", "--base", "all", "--json")) })
			t.Run("run beyond", func(t *testing.T) { doWhatLessonsSay(t, on(t, c, "run", "beyond", "--json")) })
			t.Run("run today", func(t *testing.T) { breaksToday(t, on(t, c, "run", "today", "--json")) })
			t.Run("learn", func(t *testing.T) { learnsStep2(t, c) })
			t.Run("report", func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "report.html")
				out, err := on(t, c, "report", file).CombinedOutput()
				require.NoError(t, err, "%s", out)
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Contains(t, string(text), "<title>Six Dockerfiles")
			})
			t.Run("check of many Dockerfiles", func(t *testing.T) {
				for _, setting := range c.Env { // this process is in no engine's network: of an own one it is another machine
					name, value, _ := strings.Cut(setting, "=")
					t.Setenv(name, value)
				}
				e, err := engine.Find(t.Context())
				require.NoError(t, err)
				require.Equal(t, c.Builder, e.Builder)
				checkDockerfiles(t, e)
			})
			if !c.Shared {
				t.Run("clean", func(t *testing.T) { cleansUp(t, c) })
			}
		})
	}
}

// learnsStep2 goes through one step of `learn`.
func learnsStep2(t *testing.T, c engines.Client) {
	s := inTerminal(t, on(t, c, "learn", "--step", "2"), filepath.Join(t.TempDir(), "learn.json"))
	for _, turn := range [][2]string{
		{"Will it build?", "y\n"}, {"\nWill it start, and answer?", "n\n"},
		{"As whom will the program run?", "r\n"}, {"How large will the image be?", "a\n"},
		{"Which file does not exist?", "\n"},
	} {
		s.sees(turn[0])
		s.sees("> ")
		s.types(turn[1])
	}
	seen := s.sees("go on, a = this step again")
	assert.Contains(t, seen, "FAILS, as in the article: the shell form asks for /bin/sh; there is none")
	assert.Contains(t, seen, "✓ How large will the image be? You said: about 10 MB.\n  It is 10.1MB")
	s.types("q\n")
	assert.Equal(t, tool.Expected, s.ends())
}

// Where the article's image itself is in the engine, it has no modules in it: it
// is carried with them, and where it was loaded it is used before the other.
func TestTheImageItselfIsCarriedWithTheModules(t *testing.T) {
	here := engines.Engine(t)
	c, err := base.Load("../../bases")
	require.NoError(t, err)
	b, err := c.Find("article")
	require.NoError(t, err)
	first, err := base.Portable(t.Context(), here, b, nil)
	require.NoError(t, err)

	own := engines.OwnDaemon(t)
	own.Load(t, first.Image)
	t.Setenv("DOCKER_HOST", own.Host)
	e, err := engine.Find(t.Context())
	require.NoError(t, err)
	// What a registry would have given: the same, without modules, under the image's own name.
	require.NoError(t, e.Run(t.Context(), strings.NewReader("FROM "+first.Image+"\n"+
		"RUN rm -r /usr/local/share/goproxy\nENV GOPROXY=https://127.0.0.1:9,direct\n"), nil, nil, "build", "--tag", b.Image, "-"))
	own.Docker(t, "rmi", "--no-prune", first.Image)

	real, err := base.Ensure(t.Context(), e, b, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{base.Present, b.Image}, []string{real.Source, real.Image})
	assert.Error(t, compiles(t.Context(), t, e, real), "it is of no use without a network")

	carried, err := base.Portable(t.Context(), e, b, tell.NewTerminal(t.Output()))
	require.NoError(t, err)
	assert.NotEqual(t, b.Image, carried.Image)
	assert.NoError(t, compiles(t.Context(), t, e, carried))

	again, err := base.InEngine(t.Context(), e, b)
	require.NoError(t, err)
	assert.Equal(t, base.Present, again.Source, "on the teacher's machine all stays as it was")
	t.Setenv(program.CacheVariable, t.TempDir())
	digest, err := b.Recipe.Digest(e.Arch)
	require.NoError(t, err)
	assert.Error(t, base.NoteLoaded(t.Context(), e, b.Image, digest), "only what the recipe makes counts as loaded")
	require.NoError(t, base.NoteLoaded(t.Context(), e, carried.Image, digest))
	again, err = base.InEngine(t.Context(), e, b)
	require.NoError(t, err)
	assert.Equal(t, []string{base.Loaded, carried.Image}, []string{again.Source, again.Image})
}

// compiles builds the app in a base, without a network.
func compiles(ctx context.Context, t *testing.T, e *engine.Engine, in *base.Ready) error {
	var words bytes.Buffer
	err := e.Run(ctx, app(t), nil, &words, "run", "--rm", "-i", "--pull=never", "--network", "none", in.Image, "sh", "-ec",
		"mkdir /app; cd /app; tar xf -; go build -o /tmp/echo .")
	t.Log(words.String())
	return err
}
