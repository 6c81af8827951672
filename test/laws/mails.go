package laws

import (
	"fmt"
	"strings"
	"time"

	"inlay.example/inlay/internal/peertest"
)

// Mails is how many different messages the stock has.
const Mails = 40

// mail gives a message of the stock, the same every time: what a person gets, with the shapes
// that servers take apart in different ways.
func mail(n int) peertest.Message {
	n %= Mails
	date := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(n*n%37) * 7 * time.Hour)
	zone := time.FixedZone("", []int{0, 3600, -8 * 3600, 19800}[n%4])
	var b strings.Builder
	from := fmt.Sprintf("Friend %d <friend%d@mail.example>", n%7, n%7)
	switch n % 8 {
	case 3:
		from = `"O'Hara, \"Bob\"" <bob@mail.example>, second@mail.example`
	case 5:
		from = "=?utf-8?q?J=C3=BCrgen?= <juergen@mail.example>"
	case 6:
		from = "plain@mail.example"
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: me@mail.example\r\n", from)
	switch n % 5 {
	case 0:
		fmt.Fprintf(&b, "Subject: Mail %d about a thing that needs\r\n a folded subject\r\n", n+1)
	case 1:
		fmt.Fprintf(&b, "Subject: Re: A letter for you\r\nCC: Team: a@mail.example, b@mail.example;\r\n")
	case 2:
		fmt.Fprintf(&b, "Subject: =?utf-8?b?R3LDvMOfZQ==?= %d\r\n", n)
	case 3:
		fmt.Fprintf(&b, "Subject: [list] Fwd: mail %d\r\nReply-To: list@mail.example\r\nBCC: x@mail.example\r\n", n%3)
	}
	if n%11 != 7 {
		fmt.Fprintf(&b, "Date: %s\r\n", date.In(zone).Format(time.RFC1123Z))
	}
	fmt.Fprintf(&b, "Message-ID: <m%d@mail.example>\r\n", n)
	if n%3 == 1 {
		fmt.Fprintf(&b, "In-Reply-To: <m%d@mail.example>\r\nReferences: <m%d@mail.example> <m%d@mail.example>\r\n", n-1, max(0, n-4), n-1)
	}
	switch n % 6 {
	case 0:
		b.WriteString("\r\nGood morning,\r\n\r\nsee you later.\r\n")
	case 1:
		b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße aus Köln, ärgerlich früh.\r\n")
	case 2:
		b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\nPreamble\r\n--=_b\r\nContent-Type: text/plain\r\n\r\nText\r\n--=_b\r\n" +
			"Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			strings.Repeat("JVBERi0xLjQKJcfsj6IKNSAwIG9iago8PC9MZW5ndGggNiAwIFIvRmlsdGVyIC9GbGF0ZURlY29k\r\n", 1+n%13) + "--=_b--\r\n")
	case 3:
		b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n" +
			"Content-Type: message/rfc822\r\n\r\nFrom: a@mail.example\r\nSubject: forwarded\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nInner\r\n--outer--\r\n")
	case 4:
		b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Sch=F6ne <b>Gr=FC=DFe</b></p>\r\n")
	case 5: // nothing but a header
		b.WriteString("\r\n")
	}
	m := peertest.Message{Bytes: []byte(b.String()), Date: date}
	switch n % 6 {
	case 1, 2:
		m.Flags = []string{`\Seen`}
	case 3:
		m.Flags = []string{`\Seen`, `\Answered`}
	case 4:
		m.Flags = []string{`\Flagged`, "Work"}
	}
	return m
}

// letters are the templates of what is injected, with variables, in several shapes.
var letters = []string{
	"From: Offers <offers@shop.example>\r\n" +
		"Subject: A letter for {{ name | default: \"you\" }}\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=seam\r\n\r\n" +
		"--seam\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
		"Dear {{ name | default: \"reader\" }},\r\n\r\nthis letter came by no post.\r\n" +
		"--seam\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
		"<p>Dear <b>{{ name | default: \"reader\" }}</b>, this letter came by no post.</p>\r\n--seam--\r\n",
	"From: \"Shop, The\" <shop@shop.example>\r\nSubject: Mail 3\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
		"Grüße, {{ name }}: Köln ist schön.\r\n",
	"From: friend1@mail.example\r\nSubject: Re: [list] Fwd: mail 1\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
		"<html><body><h1>Sale</h1><p>Only today, {{ name }}.</p></body></html>\r\n",
}
