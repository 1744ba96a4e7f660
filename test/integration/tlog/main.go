// Holds a trail against golang.org/x/mod/sumdb, which knows nothing of ours: the checkpoint's signature (note), the
// inclusion of every entry of the entry bundles in the signed tree, and consistency with smaller trees (tlog).
//
//	tlog TRAIL KEY [OLD_CHECKPOINT]
//
// Prints one line for each kind of check and exits with 1 when one failed.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tiles struct{ trail string }

func (t tiles) Height() int { return 8 }

// x/mod names a tile tile/8/0/001.p/5, C2SP tile/0/001.p/5. A partial one may be gone when the full one is there.
func (t tiles) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(t.trail, path))
	if os.IsNotExist(err) && tile.W < 256 {
		data, err = os.ReadFile(filepath.Join(t.trail, strings.Split(path, ".p/")[0]))
	}
	return data, err
}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := t.read(tile)
		if err != nil {
			return nil, err
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s is too short", tile.Path())
		}
		found = append(found, data[:tile.W*tlog.HashSize])
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "tlog: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func openCheckpoint(file string, verifier note.Verifier) tlog.Tree {
	text, err := os.ReadFile(file)
	must(err, "checkpoint")
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err, "signature of "+file)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		must(fmt.Errorf("not three lines of this origin"), file)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	root, err := tlog.ParseHash(lines[2])
	must(err, "root")
	return tlog.Tree{N: size, Hash: root}
}

// proveEntries takes every entry of the log from its bundle and proves that it is in the tree.
func proveEntries(t tiles, tree tlog.Tree, reader tlog.HashReader) {
	for index := int64(0); index < tree.N; {
		width := 256
		if tree.N-index < 256 {
			width = int(tree.N - index)
		}
		data, err := t.read(tlog.Tile{H: 8, L: -1, N: index / 256, W: width})
		must(err, "entry bundle")
		for i := 0; i < width; i++ {
			length := int(binary.BigEndian.Uint16(data))
			entry := data[2 : 2+length]
			data = data[2+length:]
			proof, err := tlog.ProveRecord(tree.N, index, reader)
			must(err, "proof of inclusion")
			must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)), fmt.Sprintf("entry %d", index))
			index++
		}
	}
	fmt.Printf("inclusion of %d entries\n", tree.N)
}

func proveOlder(old, tree tlog.Tree, reader tlog.HashReader) {
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	must(err, "proof of consistency")
	must(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), fmt.Sprintf("consistency with size %d", old.N))
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: tlog TRAIL KEY [OLD_CHECKPOINT]")
		os.Exit(2)
	}
	key, err := os.ReadFile(os.Args[2])
	must(err, "key")
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	must(err, "key")
	t := tiles{os.Args[1]}
	tree := openCheckpoint(filepath.Join(t.trail, "checkpoint"), verifier)
	fmt.Printf("signature of the checkpoint of size %d\n", tree.N)
	// Checks every tile that it reads against the signed root.
	reader := tlog.TileHashReader(tree, t)
	proveEntries(t, tree, reader)
	sizes := 0
	for size := int64(1); size < tree.N; size += 1 + size/7 {
		hash, err := tlog.TreeHash(size, reader)
		must(err, "root of a smaller tree")
		proveOlder(tlog.Tree{N: size, Hash: hash}, tree, reader)
		sizes++
	}
	if len(os.Args) > 3 {
		proveOlder(openCheckpoint(os.Args[3], verifier), tree, reader)
		sizes++
	}
	fmt.Printf("consistency with %d smaller trees\n", sizes)
}
