package image

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"strings"
)

// LayerSizes reads a `docker save` as it streams by and tells of each layer in it its
// digest, uncompressed, and its size: the bytes of its regular files, hard links once.
// Nothing is kept. What is no layer, such as a manifest, is passed over.
func LayerSizes(ctx context.Context, saved io.Reader, each func(digest string, bytes int64)) error {
	budget := NewBudget(ctx, 1<<40) // the engine's own, whatever its size
	for archive := tar.NewReader(saved); ; {
		h, err := archive.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, saved) // or the engine complains of a broken pipe
			return err
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(path.Base(h.Name), ".json") {
			continue
		}
		plain, stop, err := unpack(budget, archive)
		if err != nil {
			return err
		}
		buffered := bufio.NewReader(plain)
		if head, _ := buffered.Peek(512); len(head) < 512 { // a config or a manifest, which a layout names by its digest
			stop()
			continue
		}
		sum := sha256.New()
		whole := io.TeeReader(buffered, sum)
		bytes, err := regularBytes(whole)
		if err == nil {
			_, err = io.Copy(io.Discard, whole) // the padding counts for the digest
		}
		stop()
		switch {
		case errors.Is(err, tar.ErrHeader): // a larger one
			continue
		case err != nil:
			return err
		}
		each("sha256:"+hex.EncodeToString(sum.Sum(nil)), bytes)
	}
}

// regularBytes adds up the regular files of a layer's tar. A hard link has no bytes of its own there.
func regularBytes(layer io.Reader) (sum int64, err error) {
	for archive := tar.NewReader(layer); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return 0, err
		}
		if h.Typeflag == tar.TypeReg {
			sum += h.Size
		}
	}
}
