// Package corpus holds images that start and images that do not, each made from
// one that starts by one change, to hold the doctor against real starts.
package corpus

import (
	"archive/tar"
	"bytes"
	"cmp"
	"io"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	layer "github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Spec is an image to be made: its process, and its files.
type Spec struct {
	Entrypoint, Cmd, Env, Shell []string
	WorkingDir, User            string
	Arch                        string // empty: this machine's
	Healthcheck                 []string
	Files                       map[string]File
	Later                       map[string]File // of a second layer
}

// File is one file of a Spec. Folders on its way come by themselves, 0755 and root's.
type File struct {
	Mode     int64
	UID, GID int
	Data     []byte
	Link     string // a symbolic link's target
	Hard     string // a hard link's
	Dir      bool
	Caps     []byte // the attribute security.capability
}

// with is the image after some changes.
func (s Spec) with(changes ...change) Spec {
	s.Files = maps.Clone(s.Files)
	for _, change := range changes {
		change(&s)
	}
	return s
}

func (s *Spec) put(name string, f File) {
	if s.Files == nil {
		s.Files = map[string]File{}
	}
	if f.Mode == 0 {
		f.Mode = 0o755
	}
	s.Files[name] = f
}

// layer writes the files as a layer, folders first, links last.
func (s Spec) layer() []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	names := slices.Sorted(maps.Keys(s.Files))
	made := map[string]bool{"/": true}
	var folder func(dir string)
	folder = func(dir string) {
		if made[dir] {
			return
		}
		if f, own := s.Files[dir]; own && !f.Dir { // a link to a folder
			made[dir] = true
			return
		}
		folder(path.Dir(dir))
		made[dir] = true
		f := s.Files[dir]
		if f.Mode == 0 {
			f.Mode = 0o755
		}
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir[1:] + "/", Mode: f.Mode, Uid: f.UID, Gid: f.GID})
	}
	for _, name := range names {
		f := s.Files[name]
		folder(path.Dir(name))
		switch {
		case f.Dir:
			folder(name)
		case f.Link != "":
			w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name[1:], Linkname: f.Link, Mode: 0o777})
		case f.Hard == "":
			header := tar.Header{Typeflag: tar.TypeReg, Name: name[1:], Mode: f.Mode, Uid: f.UID, Gid: f.GID, Size: int64(len(f.Data))}
			if f.Caps != nil {
				header.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": string(f.Caps)}
			}
			w.WriteHeader(&header)
			w.Write(f.Data)
		}
	}
	for _, name := range names {
		if f := s.Files[name]; f.Hard != "" {
			w.WriteHeader(&tar.Header{Typeflag: tar.TypeLink, Name: name[1:], Linkname: f.Hard[1:], Mode: f.Mode})
		}
	}
	w.Close()
	return b.Bytes()
}

// Save writes images as `docker save` does, for `docker load`: tags to specs.
func Save(to io.Writer, images map[string]Spec, labels map[string]string) error {
	all := map[name.Tag]v1.Image{}
	for called, s := range images {
		tag, err := name.NewTag(called)
		if err != nil {
			return err
		}
		layers := [][]byte{s.layer()}
		if s.Later != nil {
			layers = append(layers, Spec{Files: s.Later}.layer())
		}
		if all[tag], err = s.image(labels, layers...); err != nil {
			return err
		}
	}
	return tarball.MultiWrite(all, to)
}

func (s Spec) image(labels map[string]string, layers ...[]byte) (v1.Image, error) {
	config := v1.Config{Entrypoint: s.Entrypoint, Cmd: s.Cmd, Env: s.Env, Shell: s.Shell, WorkingDir: s.WorkingDir, User: s.User}
	config.Labels = labels
	if len(s.Healthcheck) > 0 {
		config.Healthcheck = &v1.HealthConfig{Test: s.Healthcheck}
	}
	created := v1.Time{Time: time.Date(2021, time.February, 3, 13, 10, 2, 0, time.UTC)}
	file := &v1.ConfigFile{Architecture: cmp.Or(s.Arch, runtime.GOARCH), OS: "linux", Created: created, Config: config}
	img, err := mutate.ConfigFile(empty.Image, file)
	for i := 0; i < len(layers) && err == nil; i++ {
		img, err = mutate.AppendLayers(img, layer.NewLayer(layers[i], types.DockerUncompressedLayer))
	}
	return img, err
}

// script is a file that begins with a #! line.
func script(lines ...string) File {
	return File{Data: []byte(strings.Join(lines, "\n") + "\n")}
}
