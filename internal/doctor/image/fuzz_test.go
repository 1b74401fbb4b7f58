package image

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

func FuzzLayer(f *testing.F) {
	f.Add(layer(f, dir("etc/"), file("etc/a", "a"), link("l", "etc"), hard("h", "etc/a"), file(".wh.x", ""), file("etc/.wh..wh..opq", "")))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := NewFiles(NewBudget(t.Context(), 0))
		if err != nil {
			t.Skip(err)
		}
		defer k.Discard()
		for i := range 2 {
			if k.Apply(context.Background(), i+1, bytes.NewReader(b)) != nil {
				break
			}
		}
		k.Walk(func(e Entry) error {
			if e.Mode.IsRegular() {
				content(k, e.Path)
			}
			return nil
		})
	})
}

func FuzzTarball(f *testing.F) {
	f.Add(saved(f, `"app:latest"`, layer(f, file("app", "program"))))
	f.Add(layer(f, file("index.json", circle("a"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		at := filepath.Join(t.TempDir(), "image.tar")
		if err := os.WriteFile(at, b, 0o600); err != nil {
			t.Skip(err)
		}
		if img, err := FromTarball(context.Background(), at, "", Platform{"linux", "amd64"}); err == nil {
			img.Close()
		}
	})
}
