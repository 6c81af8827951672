package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/config"
)

func configCommand(std IO) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Print or check a configuration file",
		Example: "  inlay config defaults > inlay.toml\n  inlay config check inlay.toml",
		Args:    cobra.NoArgs, // so that a subcommand that does not exist is an error
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "defaults",
		Short:   "Print a commented file with every setting at its default",
		Example: "  inlay config defaults > inlay.toml",
		Args:    takes(),
		RunE: func(*cobra.Command, []string) error {
			_, err := std.Out.Write(config.PrintDefaults())
			return err
		},
	}, checkCommand(std))
	return cmd
}

// checkResult is what `config check --json` prints.
type checkResult struct {
	File   string         `json:"file"`
	OK     bool           `json:"ok"`
	Roles  []config.Role  `json:"roles,omitempty"`
	Errors []config.Error `json:"errors"`
}

func checkCommand(std IO) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Tell everything that is wrong with a file",
		Long: `Tells everything that is wrong with a file at once, each with key and line: unknown keys, wrong
types, impossible values, and what is missing. Secrets are read from where the file says, and from
the environment, as "inlay serve" would. Exit code 0: the file is good; 1: it is not.`,
		Example: "  inlay config check inlay.toml\n  inlay config check --json inlay.toml | jq .errors",
		Args:    takes("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0], config.Env{Getenv: std.Getenv})
			res := checkResult{File: args[0], OK: err == nil, Errors: []config.Error{}}
			var errs *config.Errors
			switch {
			case err == nil:
				res.Roles = cfg.Roles
			case errors.As(err, &errs):
				res.Errors = errs.List
			case asJSON:
				res.Errors = []config.Error{{Message: err.Error()}}
			default:
				return err
			}
			switch {
			case asJSON:
				if err := json.NewEncoder(std.Out).Encode(res); err != nil {
					return err
				}
			case res.OK:
				fmt.Fprintf(std.Out, "%s: good, for the roles %v\n", res.File, res.Roles)
			default:
				fmt.Fprintln(std.Err, errs.Error())
			}
			if !res.OK {
				return &silent{ExitFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}
