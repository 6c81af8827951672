package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/fault"
)

// takes checks that a command has just these arguments, named as in its usage, and says which
// one is missing or too many. A file name with a space that was not quoted is the usual reason
// for one too many.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fault.New(fault.Invalid, "%s is missing: %s", names[len(args)], cmd.UseLine())
		case len(args) > len(names):
			return fault.New(fault.Invalid, "%q is one argument too many: %s", args[len(names)], cmd.UseLine())
		}
		return nil
	}
}

// byFlag names the flag where an error begins with the key of the setting that the flag stands
// for: who has given a flag may never have seen a configuration file.
func byFlag(err error, flags map[string]string) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	for key, flag := range flags {
		if rest, ok := strings.CutPrefix(f.Public, key+":"); ok {
			return fault.Wrap(f.Kind, err, "%s:%s", flag, rest)
		}
	}
	return err
}
