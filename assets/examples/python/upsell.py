"""The four-second upsell, with nothing but Python's own library.

Sales reads that a customer is well. A second later support marks it as at risk. A second later sales would mail an upsell.
Run alone, both agents are right; together they embarrass everybody. Deeds stops the mail, and says what to do instead.
"""

import json
import os
from pathlib import Path
from urllib.request import Request, urlopen

DEEDS = os.environ.get("DEEDS_URL", "http://127.0.0.1:4170")
ACCOUNT = "crm/account/" + os.environ.get("ACCOUNT", "bolt")


class Deeds:
    """One agent's way to Deeds. Its token says who it is; `deeds tokens create` wrote it into NAME.token."""

    def __init__(self, agent: str):
        name, value = Path(f"{agent}.token").read_text().strip().split(": ", 1)
        self.headers = {name: value, "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: dict | None = None) -> dict:
        """A refusal by a rule comes back like any answer, with `outcome` and `next`; only a broken request raises."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(DEEDS + path, data, self.headers, method=method), timeout=30) as answer:
            return json.load(answer)

    def read(self, field: str) -> dict:
        """The field with its value and its version."""
        return self.ask("GET", f"/v1/entities/{ACCOUNT}")["fields"][field]

    def write(self, changes: dict, expected: dict, depends_on: dict | None = None) -> dict:
        """Changes the record. `expected` names the versions that the change was made from; 0 is never written."""
        body = {"entity": ACCOUNT, "changes": changes, "expected": expected, "depends_on": depends_on or {}}
        return self.ask("POST", "/v1/writes", body)


support, sales = Deeds("support"), Deeds("sales")

support.write({"health": "good"}, {"health": 0})
health = sales.read("health")  # 10:00:00
print("sales reads:", health["value"], "at version", health["version"])

support.write({"health": "at risk"}, {"health": health["version"]})  # 10:00:01

while True:  # 10:00:02
    # Ask before what can't be taken back, and say what it was decided on.
    based_on = {f"{ACCOUNT}#health": health["version"]}
    if health["value"] == "at risk":
        answer = sales.write({"next_step": "call, sell nothing"}, {"next_step": 0}, based_on)
        print("sales plans a call:", answer["outcome"])
        break
    mail = {"target": "mail/sales", "subject": ACCOUNT, "action": "send_upsell", "depends_on": based_on}
    answer = sales.ask("POST", "/v1/acts", mail)
    print("sales would mail:", answer["outcome"], "-", answer.get("message"), "-", answer.get("next"))
    if answer["outcome"] != "stale":
        break
    health = sales.read("health")  # as `next` says
