// Command inlay is the whole program: the gateway, the middleware, the platform, the demo, and
// the command line for operators. See package cli.
package main

import (
	"context"
	"os"

	"inlay.example/inlay/internal/cli"
)

func main() { os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Process())) }
