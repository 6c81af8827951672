package cli

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// explain says in plain words what is there and what can be done with it.
func (d *demoRun) explain(r demoReady) error {
	host, port, err := net.SplitHostPort(r.IMAP)
	if err != nil {
		return err
	}
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	self := shell(d.std.program())
	if d.backend == "" {
		say("Inlay is running. Three people have mail here, and see one message more than their mail server holds.\n")
	} else {
		say("Inlay is running in front of %s, which is not changed.\n", d.backend)
	}
	say("  IMAP   %s", r.IMAP)
	say("  HTTP   %s   (API below /api/v1, /readyz, /metrics)\n", r.HTTP)

	say("Add an account to your mail client, by hand:")
	say("  server %s, port %s, connection security none, authentication by normal password", host, port)
	for _, u := range r.Users {
		if u.Password != "" {
			say("  user %-20s password %s", u.User, u.Password)
		} else {
			say("  user %-20s password the one on your server", u.User)
		}
	}
	if len(r.Users) == 0 {
		say("  user and password as on your server")
	}
	user, login, pass := "USER", "USER", ""
	if len(r.Users) > 0 {
		user, login = r.Users[0].User, r.Users[0].User
		if p := r.Users[0].Password; p != "" {
			login, pass = user+":"+p, " imap_pass="+mutt(p)
		}
	}
	inbox := "imap://" + r.IMAP + "/INBOX"
	say("\nOr look from the command line:")
	say("  curl -s -u %s %s -X 'SEARCH HEADER X-Inlay-Campaign \"\"'", shell(login), shell(inbox))
	if d.backend == "" {
		say("  curl -s -u %s %s", shell(login), shell(inbox+";MAILINDEX=13"))
	}
	say("  neomutt -n -F /dev/null -e %s -f %s",
		shell("set ssl_starttls=no ssl_force_tls=no folder=imap://"+r.IMAP+"/"+pass), shell("imap://"+url.PathEscape(user)+"@"+r.IMAP+"/INBOX"))

	say("\nCampaigns are run with the same program:")
	say("  export INLAY_SERVER=%s INLAY_TOKEN=%s", r.HTTP, r.Token)
	if r.Campaign != "" {
		say("  %s campaign stats %s", self, r.Campaign)
		say("  %s campaign recall %s          # and it is gone, from all mailboxes", self, r.Campaign)
	} else {
		say("\nThere is no campaign yet. With a file of people, whose first column is the login name,")
		say("  printf 'user,first_name\\nalice,Alice\\n' > people.csv")
		say("and a message with what differs between them,")
		say("  printf 'From: Your provider <news@provider.example>\\nSubject: Hello {{ first_name }}\\n\\nNothing you need to do.\\n' > hello.eml")
		say("this brings it into their inboxes, and prints its id:")
		say("  %s campaign run --template hello.eml --audience people.csv --name Hello", self)
		say("and this, with that id, takes it away again:")
		say("  %s campaign recall ID", self)
	}
	say("\nWhat is kept is in %s. Ctrl-C ends it.", d.dir)
	_, err = d.std.Out.Write([]byte(b.String()))
	return err
}

// shell quotes an argument for a POSIX shell, if it needs that.
func shell(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// mutt quotes a value in a line of neomutt's configuration.
func mutt(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s) + `"`
}
