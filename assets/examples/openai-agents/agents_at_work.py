"""OpenAI Agents SDK: two agents share a customer's record, and one acts on what it read before the other wrote.

Each agent has Deeds as tools. Whatever it asks is answered with an outcome; where that is not what it wanted, `next` says what
to do, and the model reads that like any other result of a tool.
"""

import asyncio
import os
from pathlib import Path

import httpx
from agents import Agent, Runner, function_tool

DEEDS = os.environ.get("DEEDS_URL", "http://127.0.0.1:4170")
RULE = "Every answer has an `outcome`. Where it is neither committed nor allowed, do what `next` says."


def tools(agent: str) -> list:
    """Deeds as that agent sees it. The token says who asks; `deeds tokens create` wrote it into NAME.token."""
    name, token = Path(f"{agent}.token").read_text().strip().split(": ", 1)
    deeds = httpx.AsyncClient(base_url=DEEDS, headers={name: token})

    @function_tool
    async def read(account: str) -> str:
        """The record of a customer such as `acme`: each field with its value, its version and its owner."""
        return (await deeds.get(f"/v1/entities/crm/account/{account}")).text

    @function_tool
    async def write(account: str, field: str, value: str, version: int) -> str:
        """Changes a field of the record. `version` is the one that you have read, 0 where there was none."""
        change = {"changes": {field: value}, "expected": {field: version}}
        return (await deeds.post("/v1/writes", json={"entity": f"crm/account/{account}", **change})).text

    @function_tool
    async def may_i_send_upsell(account: str, health_version: int) -> str:
        """Ask before you mail an offer. `health_version` is the version of `health` that you decided on."""
        entity = f"crm/account/{account}"
        act = {"target": "mail/sales", "subject": entity, "action": "send_upsell",
               "depends_on": {f"{entity}#health": health_version}}
        return (await deeds.post("/v1/acts", json=act)).text

    return [read, write, may_i_send_upsell]


async def main(sales_model, support_model, account: str = "acme") -> str:
    sales = Agent("sales", instructions=f"You sell. {RULE}", tools=tools("sales"), model=sales_model)
    support = Agent("support", instructions=f"You say how customers are, in `health`. {RULE}",
                    tools=tools("support"), model=support_model)

    await Runner.run(support, f"{account} has been quiet and content this month.")
    draft = await Runner.run(sales, f"Read {account}, and draft an upsell if they are well.")
    # While the draft lies there, the customer calls.
    await Runner.run(support, f"{account} calls: third outage this week, they think of leaving.")
    sent = await Runner.run(sales, draft.to_input_list() + [{"role": "user", "content": "Send it."}])
    return sent.final_output


if __name__ == "__main__":
    print(asyncio.run(main(os.environ.get("MODEL"), os.environ.get("MODEL"))))
