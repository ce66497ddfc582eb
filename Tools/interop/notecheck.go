// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Notecheck checks a folder of C2SP tlog-tiles with golang.org/x/mod/sumdb, which is not ours.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run notecheck.go \
//	    -key VKEY [-cosigner VKEY ...] [-old SIZE:ROOT_HEX ...] [-every N] FOLDER
//
// It opens the signed checkpoint, checks every cosignature of the cosigners that are named, and
// proves from the tiles alone that every N-th entry is in the tree, and that the trees of the old
// sizes are prefixes of it. It prints what it checked, or why it refuses, with status 1.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// list is a flag that may be given several times.
type list []string

func (l *list) String() string         { return strings.Join(*l, ",") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

// cosigner verifies cosignature/v1 lines (C2SP tlog-cosignature), of which sumdb/note knows nothing.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("a cosigner's key has three parts")
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != 4 {
		return nil, errors.New("a cosigner's key has type 4 and 32 bytes")
	}
	return &cosigner{parts[0], uint32(hash), key[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(sig)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", seconds, msg)
	return ed25519.Verify(c.key, []byte(message), sig[8:])
}

// folder reads tiles by the paths of C2SP tlog-tiles.
type folder string

// path turns the coordinates of sumdb/tlog, which name the height, into those of C2SP.
func (f folder) path(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), "tile/8/")
	if rest := strings.TrimPrefix(path, "data/"); rest != path {
		path = "entries/" + rest
	}
	return filepath.Join(string(f), "tile", path)
}

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		bytes, err := os.ReadFile(f.path(t))
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// entries returns the records of a bundle.
func (f folder) entries(number int64, width int) ([][]byte, error) {
	path := f.path(tlog.Tile{H: 8, L: -1, N: number, W: width})
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(bytes) > 0 {
		if len(bytes) < 2 || len(bytes)-2 < int(binary.BigEndian.Uint16(bytes)) {
			return nil, fmt.Errorf("%s ends within an entry", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(bytes))
		entries = append(entries, bytes[2:end])
		bytes = bytes[end:]
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%s holds %d entries", path, len(entries))
	}
	return entries, nil
}

// tree reads the text of a checkpoint; that of sumdb/tlog wants a first line of its own.
func tree(text, origin string) (tlog.Tree, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != origin {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", origin)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || lines[1] != strconv.FormatInt(size, 10) {
		return tlog.Tree{}, errors.New("malformed size")
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

func checkRecords(f folder, t tlog.Tree, reader tlog.HashReader, every int64) (int, error) {
	checked := 0
	for number := int64(0); number*256 < t.N; number++ {
		width := 256
		if rest := t.N - number*256; rest < 256 {
			width = int(rest)
		}
		entries, err := f.entries(number, width)
		if err != nil {
			return 0, err
		}
		for i, entry := range entries {
			index := number*256 + int64(i)
			if index%every != 0 && index != t.N-1 {
				continue
			}
			proof, err := tlog.ProveRecord(t.N, index, reader)
			if err != nil {
				return 0, err
			}
			if err := tlog.CheckRecord(proof, t.N, t.Hash, index, tlog.RecordHash(entry)); err != nil {
				return 0, fmt.Errorf("entry %d: %w", index, err)
			}
			checked++
		}
	}
	return checked, nil
}

func checkTree(t tlog.Tree, reader tlog.HashReader, old string) error {
	parts := strings.SplitN(old, ":", 2)
	if len(parts) != 2 {
		return errors.New("an old tree is given as SIZE:ROOT_HEX")
	}
	size, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return err
	}
	root, err := hex.DecodeString(parts[1])
	if err != nil || len(root) != tlog.HashSize {
		return errors.New("a root has 64 hexadecimal digits")
	}
	var hash tlog.Hash
	copy(hash[:], root)
	proof, err := tlog.ProveTree(t.N, size, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, t.N, t.Hash, size, hash)
}

func run() error {
	var cosigners, olds list
	key := flag.String("key", "", "the log's key, of which the name is the origin")
	every := flag.Int64("every", 1, "prove every N-th entry")
	flag.Var(&cosigners, "cosigner", "a key of type 4 that must have cosigned")
	flag.Var(&olds, "old", "an older tree, SIZE:ROOT_HEX")
	flag.Parse()
	if flag.NArg() != 1 || *every < 1 {
		return errors.New("usage: notecheck -key VKEY [options] FOLDER")
	}
	f := folder(flag.Arg(0))
	verifier, err := note.NewVerifier(*key)
	if err != nil {
		return err
	}
	known := []note.Verifier{verifier}
	for _, vkey := range cosigners {
		c, err := newCosigner(vkey)
		if err != nil {
			return err
		}
		known = append(known, c)
	}
	bytes, err := os.ReadFile(filepath.Join(string(f), "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := note.Open(bytes, note.VerifierList(known...))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != len(known) {
		return fmt.Errorf("%d of %d keys signed", len(opened.Sigs), len(known))
	}
	t, err := tree(opened.Text, verifier.Name())
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(t, f)
	records, err := checkRecords(f, t, reader, *every)
	if err != nil {
		return err
	}
	for _, old := range olds {
		if err := checkTree(t, reader, old); err != nil {
			return fmt.Errorf("tree %s: %w", old, err)
		}
	}
	fmt.Printf("size %d, signatures %d, entries %d, older trees %d\n",
		t.N, len(opened.Sigs), records, len(olds))
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "notecheck:", err)
		os.Exit(1)
	}
}
