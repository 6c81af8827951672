package peertest

import (
	"fmt"
	"slices"
	"strings"
)

// config is Dovecot's configuration. It is written for tests: nothing is synced to disk, a
// wrong password is not answered late, and any number of connections is welcome.
func (d *Dovecot) config(o Options, acc account, plain, tls int) string {
	var b strings.Builder
	format := o.Format
	if format == "" {
		format = "mdbox"
	}
	// Those of the IMAP process itself cannot be loaded by anything else.
	general := slices.DeleteFunc(slices.Clone(o.Plugins), func(p string) bool { return strings.HasPrefix(p, "imap_") })
	fmt.Fprintf(&b, `base_dir = %[1]s/run
state_dir = %[1]s/run
log_path = %[1]s/dovecot.log
log_timestamp = "%%F %%T "
protocols = imap
listen = 127.0.0.1
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = %[2]s:%[1]s/mail/%%u
mail_fsync = never
first_valid_uid = 1
default_process_limit = 500
default_client_limit = 5000
mail_max_userip_connections = 1000
mail_plugins = %[3]s
passdb {
  driver = static
  args = password=%[4]s
}
userdb {
  driver = static
  args = uid=%[5]s gid=%[6]s home=%[1]s/mail/%%u
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap {
  process_limit = 2000
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    auto = create
    special_use = \Sent
  }
  mailbox Trash {
    auto = create
    special_use = \Trash
  }
}
protocol imap {
  mail_plugins = %[7]s
}
`, d.dir, format, strings.Join(general, " "), d.Password, acc.user, acc.group, strings.Join(o.Plugins, " "))
	chroot := ""
	if !acc.root {
		// Without root nobody can be changed into, and nothing can be locked in.
		fmt.Fprintf(&b, "default_internal_user = %[1]s\ndefault_login_user = %[1]s\ndefault_internal_group = %[2]s\n", acc.user, acc.group)
		b.WriteString("service anvil {\n  chroot =\n}\nservice stats {\n  chroot =\n}\n")
		chroot = "\n  chroot ="
	}
	fmt.Fprintf(&b, `service imap-login {
  service_count = 0
  client_limit = 4000%s
  inet_listener imap {
    port = %d
  }
  inet_listener imaps {
    port = %d
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
`, chroot, plain, tls)
	if o.TLS {
		fmt.Fprintf(&b, "ssl = yes\nssl_cert = <%s\nssl_key = <%s\n", d.Cert.CertFile, d.Cert.KeyFile)
	} else {
		b.WriteString("ssl = no\n")
	}
	b.WriteString(o.Extra)
	return b.String()
}
