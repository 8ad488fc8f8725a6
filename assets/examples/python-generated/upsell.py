"""The four-second upsell with a client that `openapi-python-client` made from /openapi.json: every body and answer has a type.

Sales reads that a customer is well; support marks it as at risk; sales would mail an upsell. Deeds says `stale` and what to do.
"""

import os
from pathlib import Path

from deeds_client import AuthenticatedClient
from deeds_client.api.default import act, entity, together, write
from deeds_client.models import (
    Act, ActDependsOn, CommandConclude, CommandWrite, CommandWriteChanges, CommandWriteDependsOn,
    EntityView, ExpectedFields, Outcome, Problem, Together, Write, WriteChanges,
)

DEEDS = os.environ.get("DEEDS_URL", "http://127.0.0.1:4170")
ACCOUNT = "crm/account/" + os.environ.get("ACCOUNT", "cobalt")


def client(agent: str) -> AuthenticatedClient:
    """Who asks is what the token says; `deeds tokens create` wrote it into NAME.token."""
    return AuthenticatedClient(DEEDS, Path(f"{agent}.token").read_text().strip().rpartition(" ")[2])


def sure(answer):
    """A refusal by a rule is an answer. A broken request is a problem, and says what is wrong with it."""
    if isinstance(answer, Problem):
        raise SystemExit(f"{answer.code}: {answer.detail}; {answer.next_}")
    return answer


def says(health: str, seen: int) -> None:
    """Support says how the customer is. A change names the version that it was made from."""
    changes, expected = WriteChanges.from_dict({"health": health}), ExpectedFields.from_dict({"health": seen})
    sure(write.sync(client=support, body=Write(ACCOUNT, changes=changes, expected=expected)))


def read():
    seen: EntityView = sure(entity.sync(ACCOUNT, client=sales))
    return seen.fields["health"]


support, sales = client("support"), client("sales")
says("good", 0)
health = read()  # 10:00:00
says("at risk", health.version)  # 10:00:01
while health.value != "at risk":  # 10:00:02
    based_on = ActDependsOn.from_dict({f"{ACCOUNT}#health": health.version})
    answer = sure(act.sync(client=sales, body=Act("send_upsell", ACCOUNT, "mail/sales", depends_on=based_on)))
    print(f"sales would mail: {answer.outcome} - {answer.message} - {answer.next_}")
    if answer.outcome != Outcome.STALE:
        raise SystemExit("nothing stopped the mail")
    health = read()  # as `next` says
# What is decided now is two commands, all or nothing.
depends_on = CommandWriteDependsOn.from_dict({f"{ACCOUNT}#health": health.version})
plan = CommandWrite(do="write", entity=ACCOUNT, changes=CommandWriteChanges.from_dict({"next_step": "call, sell nothing"}),
                    expected=ExpectedFields.from_dict({"next_step": 0}), depends_on=depends_on)
why = CommandConclude(do="conclude", subject=ACCOUNT, question="may we sell to them?", answer=False)
print("sales plans a call:", sure(together.sync(client=sales, body=Together([plan, why]))).outcome)
