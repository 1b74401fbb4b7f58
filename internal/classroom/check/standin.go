package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// given is what stands behind a Dockerfile's references in this engine.
type given struct {
	images map[dockerfile.Reference]string // what takes the place of the one named
	asked  []string                        // the golang images that another one takes the place of
	notes  []string                        // what a person must be told of it
	fault  string                          // a reference that can name nothing: the Dockerfile's own mistake
}

// findGiven sees to it that each golang image that a Dockerfile names is there,
// or another one in its place. Other images are left to the builder.
func findGiven(ctx context.Context, e *engine.Engine, catalog base.Catalog, d *dockerfile.File, say screen.Reporter) (*given, error) {
	g := &given{images: map[dockerfile.Reference]string{}}
	for _, ref := range d.References() {
		found, err := e.FindImage(ctx, ref.Image)
		switch {
		case found != nil:
			continue
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !isGolang(ref.Image):
			if err == nil || ref.Image == "" {
				g.fault = cmp.Or(g.fault, namesNothing(d, ref))
			}
			continue
		}
		ready, err := instead(ctx, e, catalog, ref.Image, say)
		if err != nil {
			return nil, err
		}
		if ready.Image == ref.Image {
			continue
		}
		g.images[ref] = ready.Image
		if slices.Contains(g.asked, ref.Image) {
			continue
		}
		g.asked = append(g.asked, ref.Image)
		g.notes = append(g.notes, fmt.Sprintf("%s is not here: %s took its place", ref.Image, named(ready, ref.Image)))
	}
	return g, nil
}

// named says what took the place of an image.
func named(ready *base.Ready, asked string) string {
	switch ready.StandInFor {
	case "":
		return ready.Image
	case asked:
		return "its stand-in (" + ready.Image + ")"
	}
	return "the stand-in for " + ready.StandInFor + " (" + ready.Image + ")"
}

// instead gets a golang image, or where it cannot be had, the article's base.
func instead(ctx context.Context, e *engine.Engine, catalog base.Catalog, image string, say screen.Reporter) (*base.Ready, error) {
	article, err := catalog.Find("")
	if err != nil {
		return nil, err
	}
	name, _, digest := strings.Cut(image, "@")
	for _, prefix := range []string{"docker.io/", "index.docker.io/", "library/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if wanted, err := catalog.Find(name); err == nil && wanted.ID != article.ID && !digest && strings.Contains(name, ":") {
		ready, err := base.Ensure(ctx, e, wanted, say)
		var none *base.Unobtainable
		if !errors.As(err, &none) {
			return ready, err
		}
	}
	return base.Ensure(ctx, e, article, say)
}

// isGolang tells the images that are there to compile Go from all others.
func isGolang(image string) bool {
	image, _, _ = strings.Cut(image, "@")
	last := image[strings.LastIndex(image, "/")+1:]
	last, _, _ = strings.Cut(last, ":")
	return last == "golang"
}

// official are the images that a Dockerfile may well copy from or start from by
// their bare name. Of any other bare word that names no stage, a slip is likelier
// than an image: nobody could tell from a registry's "pull access denied" either.
var official = []string{
	"alpine", "almalinux", "amazonlinux", "archlinux", "bash", "buildpack-deps", "busybox", "caddy", "centos", "debian",
	"fedora", "gcc", "haproxy", "httpd", "nginx", "node", "openjdk", "oraclelinux", "perl", "php", "postgres",
	"python", "redis", "rockylinux", "ruby", "rust", "traefik", "ubuntu",
}

// namesNothing says why a reference can name neither a stage nor an image; "" where it may.
func namesNothing(d *dockerfile.File, ref dockerfile.Reference) string {
	stages := d.Stages()
	names := slices.DeleteFunc(slices.Clone(stages), func(name string) bool { return name == "" })
	where := "FROM " + ref.Image
	if !ref.From {
		where = "--from=" + ref.Image
	}
	_, err := strconv.Atoi(ref.Image)
	switch {
	case ref.Image == "":
		return "a FROM names no image"
	case err == nil && !ref.From:
		return fmt.Sprintf("%s: there is no stage of that number before it; of %d stages the first is 0", where, len(stages))
	case strings.ContainsAny(ref.Image, "/:@.") || slices.Contains(official, ref.Image):
		return ""
	case len(names) == 0:
		return fmt.Sprintf("%s names no stage: none has a name", where)
	}
	return fmt.Sprintf("%s names no stage: those with a name are: %s", where, strings.Join(names, ", "))
}

// What official golang images have, and a stand-in or another base may lack.
var (
	alpineHas = []string{"apk", "addgroup", "adduser", "deluser", "delgroup", "getent", "getconf", "iconv", "ldconfig", "ldd",
		"scanelf", "ssl_client", "update-ca-certificates", "c_rehash", "crond", "install", "su", "chpasswd", "passwd"}
	debianHas = []string{"apt", "apt-get", "bash", "bzr", "cc", "curl", "dpkg", "file", "g++", "gcc", "getent", "git", "groupadd", "hg",
		"install", "ld", "ldconfig", "ldd", "make", "openssl", "perl", "pkg-config", "strip", "su", "svn", "unzip",
		"update-ca-certificates", "useradd", "usermod", "addgroup", "adduser", "wget"}
	notFound = regexp.MustCompile(`sh: (?:line )?(?:\d+: )?([\w./+-]+): (?:command )?not found`)
	// alpineFiles are what a stage on a stand-in has not, and one on Alpine's image has.
	alpineFiles = regexp.MustCompile(`(?i)\b((?:etc/ssl|etc/apk|etc/alpine-release|etc/os-release|etc/ca-certificates|` +
		`usr/share/ca-certificates|usr/share/zoneinfo|lib/apk|lib/libc\.musl|` +
		`lib/libz|lib/libssl|lib/libcrypto|usr/lib)[^\s:'"]*)['"]?: ` +
		`(?:file does not exist|no such file|not found)`)
	noGoCommand = regexp.MustCompile(`package (cmd/\S+) is not in GOROOT`)
	noGcc       = regexp.MustCompile(`"?(gcc|cc|g\+\+)"?:? executable file not found`)
	newerGo     = regexp.MustCompile(`flag provided but not defined: -\w+|requires [Gg]o (?:>= )?1\.\d+|module requires Go ` +
		`1\.\d+|unknown directive: \w+|invalid go version|package \S+ is not in GOROOT`)
	heredocAsFile = regexp.MustCompile(`stat:? "?[^\s"]*<<\S+ no such file`)
	unknownWord   = regexp.MustCompile(`(?i)unknown instruction: "?([^\s"]+)`)
	// needsBuildKit are the options that only it knows.
	needsBuildKit = regexp.MustCompile(`requires? BuildKit|[Uu]nknown flag: ` +
		`(?:mount|network|security|link|chmod|checksum|exclude|parents|keep-git-dir|start-interval)`)
)

// lacks says what this environment could not give a build that failed; "" where
// the Dockerfile alone is at fault.
func (g *given) lacks(e *engine.Engine, d *dockerfile.File, words string) string {
	if e.Builder == engine.Legacy && (needsBuildKit.MatchString(words) || d.Heredoc) {
		return "this engine has docker's old builder only, and the Dockerfile asks for what BuildKit can do"
	}
	if m := unknownWord.FindStringSubmatch(words); d.Heredoc && (m != nil && !d.Has(m[1]) || heredocAsFile.MatchString(words)) {
		return "this engine's builder is older than here-documents, and the Dockerfile has one"
	}
	if len(g.asked) == 0 {
		return ""
	}
	asked := strings.Join(g.asked, ", ")
	for _, image := range g.asked {
		has := debianHas
		if strings.Contains(image, "alpine") {
			has = alpineHas
		}
		for _, form := range []*regexp.Regexp{notFound, noGcc} {
			for _, m := range form.FindAllStringSubmatch(words, -1) {
				command := m[1][strings.LastIndex(m[1], "/")+1:]
				if slices.Contains(has, command) {
					return fmt.Sprintf("%s has the command %s, what was given in its place has not", image, command)
				}
			}
		}
		if m := alpineFiles.FindStringSubmatch(words); m != nil {
			return fmt.Sprintf("%s may well have /%s, what was given in its place has not", image, m[1])
		}
		if m := noGoCommand.FindStringSubmatch(words); m != nil {
			return fmt.Sprintf("%s has the source of %s, what was given in its place has not", image, m[1])
		}
		if m := newerGo.FindString(words); m != "" && !strings.Contains(image, "1.15.7") {
			return fmt.Sprintf("the Go of %s may well do it; the older one that was given says: %s", asked, m)
		}
	}
	return ""
}
