// Package corpus holds images that start and images that do not, each made from
// one that starts by one change, to hold the doctor against real starts.
package corpus

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
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

func (f File) records() map[string]string {
	if f.Caps == nil {
		return nil
	}
	return map[string]string{"SCHILY.xattr.security.capability": string(f.Caps)}
}

func (s Spec) clone() Spec {
	s.Files = maps.Clone(s.Files)
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
			w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name[1:], Mode: f.Mode, Uid: f.UID, Gid: f.GID, Size: int64(len(f.Data)),
				PAXRecords: f.records()})
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
	type entry struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	out := tar.NewWriter(to)
	written := map[string]bool{}
	write := func(name string, data []byte) error {
		if written[name] {
			return nil
		}
		written[name] = true
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err := out.Write(data)
		return err
	}
	var manifest []entry
	for _, tag := range slices.Sorted(maps.Keys(images)) {
		layers := [][]byte{images[tag].layer()}
		if later := images[tag].Later; later != nil {
			layers = append(layers, Spec{Files: later}.layer())
		}
		e := entry{RepoTags: []string{tag}}
		var digests []string
		for _, layer := range layers {
			digests = append(digests, sum(layer))
			e.Layers = append(e.Layers, sum(layer)+"/layer.tar")
			if err := write(sum(layer)+"/layer.tar", layer); err != nil {
				return err
			}
		}
		config := images[tag].config(digests, labels)
		e.Config = sum(config) + ".json"
		if err := write(e.Config, config); err != nil {
			return err
		}
		manifest = append(manifest, e)
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	if err := write("manifest.json", text); err != nil {
		return err
	}
	return out.Close()
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func (s Spec) config(layers []string, labels map[string]string) []byte {
	arch := s.Arch
	if arch == "" {
		arch = runtime.GOARCH
	}
	var health map[string]any
	if len(s.Healthcheck) > 0 {
		health = map[string]any{"Test": s.Healthcheck}
	}
	var ids []string
	var history []map[string]any
	for _, l := range layers {
		ids, history = append(ids, "sha256:"+l), append(history, map[string]any{"created_by": "corpus"})
	}
	text, _ := json.Marshal(map[string]any{
		"architecture": arch, "os": "linux", "created": "2021-02-03T13:10:02Z",
		"config": map[string]any{
			"Entrypoint": s.Entrypoint, "Cmd": s.Cmd, "Env": s.Env, "Shell": s.Shell,
			"WorkingDir": s.WorkingDir, "User": s.User, "Labels": labels, "Healthcheck": health,
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": ids},
		"history": history,
	})
	return text
}

// script is a file that begins with a #! line.
func script(lines ...string) File {
	return File{Data: []byte(strings.Join(lines, "\n") + "\n")}
}
