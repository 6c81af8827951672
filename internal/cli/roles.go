package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/app"
	"inlay.example/inlay/internal/config"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/obs"
)

// logger writes to standard error as the configuration says, without its secrets.
func logger(std IO, cfg config.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo // checked by config
	}
	return obs.NewLogger(std.Err, obs.LogConfig{Level: level, Format: cfg.Log.Format, Secrets: cfg.Secrets()})
}

// run puts a process together and serves until a signal.
func run(ctx context.Context, std IO, cfg config.Config) error {
	start := time.Now()
	log := logger(std, cfg)
	a, err := app.New(ctx, cfg, app.Deps{Log: log, Version: buildVersion()})
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx, std, a.Abort)
	defer stop()
	addrs := a.IMAPAddrs()
	if a.HTTPAddr() != "" {
		addrs = append(addrs, a.HTTPAddr())
	}
	log.Info("listening", "roles", roleNames(cfg.Roles), "addr", addrs, "version", buildVersion())
	if cfg.Has(config.Middleware) {
		// The line that operators of the reference wait for.
		log.Info(fmt.Sprintf("Started MIMApplication in %.3f seconds", time.Since(start).Seconds())) //nolint:sloglint // they look for just this
	}
	return a.Run(ctx)
}

func roleNames(roles []config.Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}

func serveCommand(std IO) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve -c FILE",
		Short: "Run the roles that a configuration file names",
		Long: `Runs the roles (gateway, middleware, platform) that the file names, until SIGTERM or SIGINT.
The first signal lets busy sessions finish (stop.drain), a second one cuts them off.`,
		Example: `  inlay config defaults > inlay.toml
  inlay config check inlay.toml
  inlay serve -c inlay.toml`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return fault.New(fault.Invalid, "which configuration? Give it with -c FILE")
			}
			cfg, err := config.Load(file, config.Env{Getenv: std.Getenv})
			if err != nil {
				return err
			}
			return run(cmd.Context(), std, cfg)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "the configuration `FILE`")
	return cmd
}
