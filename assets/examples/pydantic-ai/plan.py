"""Pydantic AI: a plan that rests on what another agent says is stale once that has changed, and is made again.

Sales may write a customer's `next_step`, support their `health`. Sales names the health that its plan rests on (`depends_on`);
when support was quicker, the write is answered `stale` with what is there now, and `next` says to decide again on that."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic_ai import Agent, RunContext

DEEDS = os.environ.get("DEEDS_URL", "http://127.0.0.1:4170")
RULE = "Every answer has an `outcome`. Where it is neither committed nor allowed, do what `next` says."


@dataclass
class Deeds:
    """One agent's way to Deeds. The token says who asks; `deeds tokens create` wrote it into NAME.token."""
    agent: str

    def ask(self, method: str, path: str, body: dict | None = None) -> dict[str, Any]:
        name, token = Path(f"{self.agent}.token").read_text().strip().split(": ", 1)
        return httpx.request(method, DEEDS + path, headers={name: token}, json=body).json()


sales = Agent(deps_type=Deeds, instructions=f"You sell, and plan each customer's `next_step`. {RULE}")
support = Agent(deps_type=Deeds, instructions=f"You say how customers are, in `health`. {RULE}")


@sales.tool
@support.tool
def read(deeds: RunContext[Deeds], account: str) -> dict[str, Any]:
    """The record of a customer such as `acme`: each field with its value, its version and its owner."""
    return deeds.deps.ask("GET", f"/v1/entities/crm/account/{account}")


@sales.tool
@support.tool
def write(deeds: RunContext[Deeds], account: str, field: str, value: str, version: int,
          rests_on: dict[str, int] | None = None) -> dict[str, Any]:
    """Changes a field. `version` is the one you have read, 0 for none; `rests_on`: versions of fields that you decided on."""
    entity = f"crm/account/{account}"
    depends_on = {f"{entity}#{name}": seen for name, seen in (rests_on or {}).items()}
    change = {"entity": entity, "changes": {field: value}, "expected": {field: version}, "depends_on": depends_on}
    return deeds.deps.ask("POST", "/v1/writes", change)


def main(sales_model, support_model, account: str = "acme") -> str:
    support.run_sync(f"{account} is content.", model=support_model, deps=Deeds("support"))
    thought = sales.run_sync(f"What should we do with {account}?", model=sales_model, deps=Deeds("sales"))
    support.run_sync(f"{account} thinks of leaving.", model=support_model, deps=Deeds("support"))
    plan = sales.run_sync("Then write it down.", model=sales_model, deps=Deeds("sales"), message_history=thought.all_messages())
    return plan.output


if __name__ == "__main__":
    print(main(os.environ["MODEL"], os.environ["MODEL"]))
