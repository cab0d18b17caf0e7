// Command ferretdb is FerretDB over SQLite: a server that speaks the MongoDB wire protocol, for tests and the demo.
//
// FerretDB's own command cannot be built as a dependency (it needs a generated version file), its embeddable package can.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	listen := flag.String("listen-addr", "127.0.0.1:27017", "address to listen on; port 0 takes a free one")
	directory := flag.String("sqlite-dir", "", "where the SQLite files live (made when missing); empty keeps everything in memory")
	verbose := flag.Bool("verbose", false, "log every connection")
	flag.Parse()
	if err := run(*listen, *directory, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

func run(listen, directory string, verbose bool) error {
	location, err := sqliteLocation(directory)
	if err != nil {
		return err
	}
	level := slog.LevelError
	if verbose {
		level = slog.LevelDebug
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: listen},
		Handler:   "sqlite",
		SQLiteURL: location,
		Logger:    slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// MongoDBURI answers once the listener is bound, so this line is also the sign that clients may come.
	go func() { fmt.Println(server.MongoDBURI()) }()
	return server.Run(ctx)
}

func sqliteLocation(directory string) (string, error) {
	if directory == "" {
		return "file:./?mode=memory", nil
	}
	path, err := filepath.Abs(directory)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(path, 0o750); err != nil {
		return "", err
	}
	return "file:" + path + "/", nil
}
