"""CrewAI: a crew of two whose tasks touch one record. What is not one's own to change waits for its owner, who accepts it.

Sales has a renewal in hand and would mark the customer as well; that is support's to say. Deeds answers `proposed`; support finds the
proposal in its work and accepts it, which makes the change under support's name; sales reads what is there now, and plans on that.
"""

import os
from pathlib import Path

import httpx
from crewai import Agent, Crew, Task
from crewai.tools import tool

DEEDS = os.environ.get("DEEDS_URL", "http://127.0.0.1:4170")
RULE = "Every answer of Deeds has an `outcome`. Where it is neither committed nor allowed, do what `next` says."


def tools(agent: str) -> list:
    """Deeds as that agent sees it. The token says who asks; `deeds tokens create` wrote it into NAME.token."""
    name, token = Path(f"{agent}.token").read_text().strip().split(": ", 1)
    deeds = httpx.Client(base_url=DEEDS, headers={name: token})

    @tool("read")
    def read(account: str) -> str:
        """The record of a customer such as `acme`: each field with its value, its version and its owner."""
        return deeds.get(f"/v1/entities/crm/account/{account}").text

    @tool("write")
    def write(account: str, field: str, value: str, version: int) -> str:
        """Changes a field of the record. `version` is the one that you have read, 0 where there was none."""
        change = {"changes": {field: value}, "expected": {field: version}}
        return deeds.post("/v1/writes", json={"entity": f"crm/account/{account}", **change}).text

    @tool("work")
    def work() -> str:
        """Your work stream: proposals of others, notices, what became of what you asked."""
        return deeds.get("/v1/work").text

    @tool("answer")
    def answer(work: int, verb: str, note: str) -> str:
        """Ends a piece of your work. `verb` is `accept` or `decline` for a proposal, `complete` for anything else."""
        return deeds.post(f"/v1/work/{work}/{verb}", json={"note": note}).text

    return [read, write, work, answer]


def main(sales_model, support_model, account: str = "acme") -> str:
    sales = Agent(role="Sales", goal="Renewals", backstory=RULE, llm=sales_model, tools=tools("sales"))
    support = Agent(role="Support", goal="Content customers", backstory=RULE, llm=support_model, tools=tools("support"))
    says = "what Deeds said, in a sentence"
    renewed = Task(description=f"{account} renewed: have their `health` say good.", expected_output=says, agent=sales)
    owns = Task(description="Go through your work, and accept what is right.", expected_output=says, agent=support)
    plan = Task(description=f"Read {account}, and write their `next_step`.", expected_output=says, agent=sales)
    return Crew(agents=[sales, support], tasks=[renewed, owns, plan]).kickoff().raw


if __name__ == "__main__":
    print(main(os.environ["MODEL"], os.environ["MODEL"]))  # such as openai/gpt-5, with its key in the environment
