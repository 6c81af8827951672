package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/platform/client"
)

func campaignCommand(std IO) *cobra.Command {
	flags := &platformFlags{std: std}
	cmd := &cobra.Command{
		Use:   "campaign",
		Short: "Run and watch campaigns",
		Long: `Runs and watches campaigns through a platform's API. Server and token come from --server and
--token-file, from INLAY_SERVER and INLAY_TOKEN, or from a file: inlay/cli.toml in the user's
configuration directory, with the keys server and token (or token-file).`,
		Example: `  export INLAY_SERVER=http://127.0.0.1:8480 INLAY_TOKEN=…
  inlay campaign run --template welcome.eml --audience people.csv --name Welcome
  inlay campaign list
  inlay campaign recall welcome`,
		Args: cobra.NoArgs, // so that a subcommand that does not exist is an error
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags.add(cmd)
	cmd.AddCommand(runCommand(std, flags), listCommand(std, flags), statusCommand(std, flags), statsCommand(std, flags),
		tellCommand(std, flags, "pause", "Inject nothing more; what is there stays", (*client.Client).Pause),
		tellCommand(std, flags, "resume", "End a pause", (*client.Client).Resume),
		tellCommand(std, flags, "recall", "Withdraw it from all mailboxes, for ever", (*client.Client).Recall))
	return cmd
}

// printJSON prints one line.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func listCommand(std IO, flags *platformFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List campaigns",
		Example: "  inlay campaign list\n  inlay campaign list --json | jq -r '.[] | select(.state == \"running\").id'",
		Args:    takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.client()
			if err != nil {
				return err
			}
			defer c.Close()
			all, err := allCampaigns(cmd.Context(), c)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.Out, all)
			}
			w := tabwriter.NewWriter(std.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tSTATE\tSTART\tEND\tNAME")
			for _, one := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", one.ID, state(one), instant(one.Start), instant(one.End), one.Name)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an array of campaigns as JSON")
	return cmd
}

// allCampaigns reads all pages.
func allCampaigns(ctx context.Context, c *client.Client) ([]api.Campaign, error) {
	out := []api.Campaign{}
	for cursor := ""; ; {
		page, err := c.Campaigns(ctx, client.List{Cursor: cursor, Limit: 1000})
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if cursor = page.Next; cursor == "" {
			return out, nil
		}
	}
}

// state is a campaign's state with what is to come of it.
func state(c api.Campaign) string {
	s := string(c.State)
	if c.Pending != nil {
		s += " (" + string(c.Pending.Command) + " pending)"
	}
	switch {
	case c.State != campaign.Running:
	case c.Window == "before":
		s += " (not started)"
	case c.Window == "over":
		s += " (over)"
	}
	return s
}

// instant is a time in the zone of whoever reads it, which it names.
func instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04 MST")
}

func statusCommand(std IO, flags *platformFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "status ID",
		Short:   "Tell where a campaign is in its life",
		Example: "  inlay campaign status welcome",
		Args:    takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.client()
			if err != nil {
				return err
			}
			defer c.Close()
			one, _, err := c.Campaign(cmd.Context(), campaign.ID(args[0]))
			if err != nil {
				return err
			}
			return printCampaign(std.Out, one, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the campaign as JSON")
	return cmd
}

func printCampaign(out io.Writer, c api.Campaign, asJSON bool) error {
	if asJSON {
		return printJSON(out, c)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(w, "%s\t%s\n", name, value) }
	line("id", string(c.ID))
	line("name", c.Name)
	line("state", state(c))
	if c.Failure != "" {
		line("failure", c.Failure)
	}
	line("class", string(c.Class))
	line("mailbox", c.Mailbox)
	line("start", instant(c.Start))
	line("end", instant(c.End))
	if c.Progress.Step != "" {
		line("preparation", fmt.Sprintf("%s, %d of %d rows, %d refused", c.Progress.Step, c.Progress.Imported, c.Progress.Rows, c.Progress.Rejected))
	}
	if c.Progress.Waiting != "" {
		line("waiting", c.Progress.Waiting)
	}
	for _, e := range c.Progress.Errors {
		line("refused", e)
	}
	return w.Flush()
}

func statsCommand(std IO, flags *platformFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "stats ID",
		Short:   "Count what became of a campaign's messages",
		Example: "  inlay campaign stats welcome\n  inlay campaign stats --json welcome | jq .events.read",
		Args:    takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.client()
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.Statistics(cmd.Context(), campaign.ID(args[0]))
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.Out, s)
			}
			w := tabwriter.NewWriter(std.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintf(w, "people\t%d\n", s.Assigned)
			fmt.Fprintf(w, "live\t%d\n", s.Live)
			known := []string{"injected", "read", "expunged", "withdrawn", "expired", "moved", "reinjected"}
			for _, name := range known {
				fmt.Fprintf(w, "%s\t%d\n", name, s.Events[name])
			}
			for _, name := range slices.Sorted(maps.Keys(s.Events)) {
				if !slices.Contains(known, name) {
					fmt.Fprintf(w, "%s\t%d\n", name, s.Events[name])
				}
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the figures as JSON")
	return cmd
}

// obeyWithin is how long a command's acknowledgement is waited for.
const obeyWithin = 5 * time.Second

// obeyed waits a moment for the middleware to obey what the platform was told.
func obeyed(ctx context.Context, c *client.Client, one api.Campaign) (api.Campaign, error) {
	late := time.NewTimer(obeyWithin)
	defer late.Stop()
	for one.Pending != nil {
		again := time.NewTimer(followEvery)
		select {
		case <-again.C:
		case <-late.C:
			again.Stop()
			return one, nil
		case <-ctx.Done():
			again.Stop()
			return one, nil
		}
		next, _, err := c.Campaign(ctx, one.ID)
		if err != nil {
			return one, err
		}
		one = next
	}
	return one, nil
}

// tellCommand is a command that goes to one campaign.
func tellCommand(std IO, flags *platformFlags, name, short string,
	do func(*client.Client, context.Context, campaign.ID) (api.Campaign, error),
) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     name + " ID",
		Short:   short,
		Example: "  inlay campaign " + name + " welcome",
		Args:    takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.client()
			if err != nil {
				return err
			}
			defer c.Close()
			one, err := do(c, cmd.Context(), campaign.ID(args[0]))
			if err != nil {
				return err
			}
			if one, err = obeyed(cmd.Context(), c, one); err != nil {
				return err
			}
			if one.Pending != nil {
				fmt.Fprintf(std.Err, "The platform has it and repeats it until the middleware obeys: %s\n", one.Pending.Problem)
			}
			if asJSON {
				return printJSON(std.Out, one)
			}
			_, err = fmt.Fprintf(std.Out, "%s: %s\n", one.ID, state(one))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the campaign as JSON")
	return cmd
}
