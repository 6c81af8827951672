#!/usr/bin/env bash
# The Cyrus IMAP server of the tests, beside Dovecot: run as root on Debian.
#
# Debian's cyrus-imapd and dovecot-imapd cannot be installed at the same time: both bring "the
# machine's IMAP server". The tests need neither to be that. What they need of Cyrus is its
# master process and its libraries, from cyrus-common, which disturbs nobody, and two programs
# of cyrus-imapd, which are taken out of the package, into /usr/local/lib/cyrus/bin, where
# internal/peertest looks for them. No service is started.
set -euo pipefail
to=/usr/local/lib/cyrus/bin

DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends cyrus-common libsasl2-modules
[ ! -x /usr/lib/cyrus/bin/imapd ] || exit 0 # installed whole, without Dovecot

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt downloads as a user of its own
chown _apt "$work" 2>/dev/null || true
version=$(dpkg-query -W -f '${Version}' cyrus-common)
(cd "$work" && apt-get download -qq "cyrus-imapd=$version")
dpkg-deb -x "$work"/cyrus-imapd_*.deb "$work/unpacked"
install -D -m 755 -t "$to" "$work/unpacked/usr/lib/cyrus/bin/imapd" "$work/unpacked/usr/lib/cyrus/bin/idled"
echo "cyrus-imapd $version: $to"
