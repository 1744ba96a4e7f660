// Reads a trail's public part (checkpoint, tile/, log.vkey) with Go's own transparency log library:
// the signature, the tree from the entries to the root, inclusion of every entry, consistency with every smaller tree.
//
//	go run main.go FOLDER
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// number writes N as C2SP tlog-tiles does: 1234067 is x001/x234/067.
func number(n int64) string {
	out := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		out = fmt.Sprintf("x%03d/%s", n%1000, out)
	}
	return out
}

// read returns the first w units of a tile: of a full one where the partial one is gone.
func read(folder, level string, n int64, w int) ([]byte, error) {
	path := filepath.Join(folder, "tile", level, number(n))
	if w < 1<<height {
		if octets, err := os.ReadFile(path + ".p/" + strconv.Itoa(w)); err == nil {
			return octets, nil
		}
	}
	return os.ReadFile(path)
}

// folderTiles is a tlog.TileReader over a folder.
type folderTiles struct{ folder string }

func (f folderTiles) Height() int { return height }

func (f folderTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		octets, err := read(f.folder, strconv.Itoa(tile.L), tile.N, tile.W)
		if err != nil {
			return nil, err
		}
		if len(octets) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %v is short", tile)
		}
		out = append(out, octets[:tile.W*tlog.HashSize])
	}
	return out, nil
}

func (f folderTiles) SaveTiles([]tlog.Tile, [][]byte) {}

// entries reads all of the log's entries from its bundles.
func entries(folder string, size int64) ([][]byte, error) {
	var out [][]byte
	for n := int64(0); int64(len(out)) < size; n++ {
		w := 1 << height
		if left := size - int64(len(out)); left < int64(w) {
			w = int(left)
		}
		octets, err := read(folder, "entries", n, w)
		if err != nil {
			return nil, err
		}
		for i := 0; i < w; i++ {
			if len(octets) < 2 {
				return nil, fmt.Errorf("bundle %d is short", n)
			}
			length := int(binary.BigEndian.Uint16(octets))
			if len(octets) < 2+length {
				return nil, fmt.Errorf("bundle %d is short", n)
			}
			out = append(out, octets[2:2+length])
			octets = octets[2+length:]
		}
	}
	return out, nil
}

// memory holds the hashes that Go computes from the entries alone.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, index := range indexes {
		out = append(out, m[index])
	}
	return out, nil
}

func head(folder string) (tlog.Tree, error) {
	var tree tlog.Tree
	vkey, err := os.ReadFile(filepath.Join(folder, "log.vkey"))
	if err != nil {
		return tree, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return tree, err
	}
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return tree, err
	}
	if broken := bytes.Replace(text, []byte("\n"), []byte("\n1"), 1); true {
		if _, err := note.Open(broken, note.VerifierList(verifier)); err == nil {
			return tree, fmt.Errorf("a changed checkpoint has a good signature")
		}
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		return tree, fmt.Errorf("origin %q is not the key's name %q", lines[0], verifier.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("malformed root %q", lines[2])
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

func check(folder string) (passed int, err error) {
	tree, err := head(folder)
	if err != nil {
		return passed, fmt.Errorf("checkpoint: %w", err)
	}
	passed++
	if tree.N < 2 {
		return passed, fmt.Errorf("only %d entries", tree.N)
	}
	all, err := entries(folder, tree.N)
	if err != nil {
		return passed, fmt.Errorf("entries: %w", err)
	}
	var own memory
	for i, entry := range all {
		hashes, err := tlog.StoredHashes(int64(i), entry, own)
		if err != nil {
			return passed, err
		}
		own = append(own, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, own)
	if err != nil || root != tree.Hash {
		return passed, fmt.Errorf("the entries' root is %v, the checkpoint's %v (%v)", root, tree.Hash, err)
	}
	passed++
	reader := tlog.TileHashReader(tree, folderTiles{folder})
	step := tree.N/500 + 1
	for i := int64(0); i < tree.N; i += step {
		proof, err := tlog.ProveRecord(tree.N, i, reader)
		if err != nil {
			return passed, fmt.Errorf("inclusion of %d: %w", i, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(all[i])); err != nil {
			return passed, fmt.Errorf("inclusion of %d: %w", i, err)
		}
		if tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(append([]byte("x"), all[i]...))) == nil {
			return passed, fmt.Errorf("inclusion of a changed %d", i)
		}
		older, err := tlog.TreeHash(i+1, own)
		if err != nil {
			return passed, err
		}
		path, err := tlog.ProveTree(tree.N, i+1, reader)
		if err != nil {
			return passed, fmt.Errorf("consistency with %d: %w", i+1, err)
		}
		if err := tlog.CheckTree(path, tree.N, tree.Hash, i+1, older); err != nil {
			return passed, fmt.Errorf("consistency with %d: %w", i+1, err)
		}
		passed += 2
	}
	return passed, nil
}

func main() {
	passed, err := check(os.Args[1])
	failed := 0
	if err != nil {
		failed = 1
		fmt.Println("tlog: FAILED:", err)
	}
	fmt.Printf("tlog: %d passed, %d failed\n", passed, failed)
	os.Exit(failed)
}
