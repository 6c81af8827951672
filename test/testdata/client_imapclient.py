"""Reads, marks and searches the injected message with imapclient.

usage: client_imapclient.py HOST PORT USER PASSWORD   prints one line of JSON
"""
import email
import json
import sys

from imapclient import FLAGGED, RECENT, IMAPClient

host, port, user, password = sys.argv[1:]
with IMAPClient(host, port=int(port), ssl=False) as c:
    c.login(user, password)
    out = {"messages": c.select_folder("INBOX")[b"EXISTS"]}
    out["uids"] = len(c.search())
    out["found"] = list(c.search(["FROM", "offers@shop.example", "SUBJECT", "A letter"]))
    every = c.fetch(c.search(), ["FLAGS", "ENVELOPE", "BODYSTRUCTURE"])
    out["size"] = len(every) == out["messages"]
    if out["found"]:
        uid = out["found"][0]
        got = c.fetch([uid], ["BODY[]", "RFC822.SIZE"])[uid]
        out["size"] = out["size"] and len(got[b"BODY[]"]) == got[b"RFC822.SIZE"]
        message = email.message_from_bytes(got[b"BODY[]"])
        out["subject"] = every[uid][b"ENVELOPE"].subject.decode()
        out["text"] = message.get_payload(0).get_payload()
        c.add_flags([uid], [FLAGGED, b"Kept"])
        out["flags"] = sorted(f.decode() for f in c.get_flags([uid])[uid] if f != RECENT)
        out["flagged"] = list(c.search(["KEYWORD", "Kept"]))
    c.close_folder()
print(json.dumps(out))
