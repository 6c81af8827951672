"""Reads, marks and searches the injected message with Python's own imaplib.

usage: client_imaplib.py HOST PORT USER PASSWORD   prints one line of JSON
"""
import email
import imaplib
import json
import re
import sys

host, port, user, password = sys.argv[1:]
c = imaplib.IMAP4(host, int(port))
c.login(user, password)


def ok(result):
    kind, data = result
    if kind != "OK":
        raise SystemExit(f"{kind} {data}")
    return data


out = {"messages": int(ok(c.select("INBOX"))[0])}
uids = ok(c.uid("search", "ALL"))[0].split()
out["uids"] = len(uids)
found = ok(c.uid("search", "FROM", "offers@shop.example", "SUBJECT", '"A letter"'))[0].split()
out["found"] = [int(u) for u in found]
if found:
    uid = found[0].decode()
    data = ok(c.uid("fetch", uid, "(FLAGS RFC822.SIZE BODY[])"))
    raw = data[0][1]
    out["size"] = len(raw) == int(re.search(rb"RFC822\.SIZE (\d+)", data[0][0]).group(1))
    message = email.message_from_bytes(raw)
    out["subject"] = message["Subject"]
    out["text"] = message.get_payload(0).get_payload()
    ok(c.uid("store", uid, "+FLAGS", r"(\Flagged Kept)"))
    out["flags"] = sorted(f.decode() for f in imaplib.ParseFlags(ok(c.uid("fetch", uid, "(FLAGS)"))[0]) if f != rb"\Recent")
    out["flagged"] = [int(u) for u in ok(c.uid("search", "KEYWORD", "Kept"))[0].split()]
ok(c.close())
c.logout()
print(json.dumps(out))
