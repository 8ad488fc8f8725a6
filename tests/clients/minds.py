"""What stands in for models in the tests of the examples: each looks at what its tools said and says its next step, a tool with
its arguments or a text, so that an answer of Deeds decides what is done next. No network, no key, no chance."""

import json

ACCOUNT = "acme"


class Mind:
    """A conversation: what was asked last, all that tools said so far, and how much of it to this."""

    def step(self, asked: str, said: list[dict], to_this: int):
        """The next step."""
        now = said[len(said) - to_this:]
        return self.think(asked, said, now, now[-1] if now else None)

    @staticmethod
    def read():
        return "read", {"account": ACCOUNT}

    @staticmethod
    def write(field: str, value: str, seen: dict, **more):
        """On the version that was read; 0 where there was none."""
        version = seen.get("fields", {}).get(field, {}).get("version", 0)
        return "write", {"account": ACCOUNT, "field": field, "value": value, "version": version, **more}

    @staticmethod
    def last_read(said: list[dict]) -> dict:
        """What was read last; nothing where the record is not there yet."""
        reads = [one for one in said if isinstance(one.get("fields"), dict) or one.get("code") == "not-found"]
        return reads[-1]

    @classmethod
    def health(cls, said: list[dict]) -> dict:
        return cls.last_read(said)["fields"]["health"]


class Support(Mind):
    """Says how a customer is, and answers what others propose."""

    def __init__(self, verb: str = "accept"):
        self.verb = verb

    def think(self, asked, said, now, last):
        if "your work" in asked:
            if last is None:
                return "work", {}
            if "outcome" in last:
                return f"answered: {last['outcome']}"
            proposal = next(one for one in last["works"] if one["kind"]["kind"] == "proposal")
            return "answer", {"work": proposal["no"], "verb": self.verb, "note": "as they told me"}
        if last is None or last.get("outcome") == "stale":
            return self.read()
        if "outcome" in last:
            return f"written: {last['outcome']}"
        return self.write("health", "at risk" if "leaving" in asked else "good", last)


class Seller(Mind):
    """Drafts an offer on what it reads, asks before it mails, and does what `next` says."""

    def think(self, asked, said, now, last):
        if "draft" in asked:
            return self.read() if last is None else "an upsell"
        if last is None:
            return self.mail(said)
        if last.get("outcome") == "stale":
            assert last["next"].startswith("read again"), last
            return self.read()
        if "outcome" in last:
            return f"{last['outcome']}: {self.health(said)['value']}"
        if self.health(said)["value"] == "at risk":
            return self.write("next_step", "call, sell nothing", last)
        return self.mail(said)

    def mail(self, said):
        return "may_i_send_upsell", {"account": ACCOUNT, "health_version": self.health(said)["version"]}


class Planner(Mind):
    """Plans on what it has read, and names it."""

    def think(self, asked, said, now, last):
        if "should we" in asked:
            return self.read() if last is None else "an upsell"
        if last is None or isinstance(last.get("fields"), dict):
            health = self.health(said)
            plan = "upsell" if health["value"] == "good" else "call, sell nothing"
            return self.write("next_step", plan, self.last_read(said), rests_on={"health": health["version"]})
        if last["outcome"] == "stale":
            assert last["next"].startswith("read again"), last
            return self.read()
        return f"{last['outcome']}: {self.health(said)['value']}"


class Proposer(Mind):
    """Writes what is another's, is told that it waits, and looks later what became of it."""

    def think(self, asked, said, now, last):
        if "What became" in asked:
            return ("work", {}) if last is None else last["works"][0]["kind"].get("text", str(last["works"][0]))
        if last is None:
            return self.read()
        if "outcome" not in last:
            if "next_step" in asked:
                return self.write("next_step", f"renewed, {last['fields']['health']['value']}", last)
            return self.write("health", "good", last)
        if last["outcome"] == "proposed":
            assert "your work stream" in last["next"], last
        return f"{last['outcome']}: {last.get('next')}"
