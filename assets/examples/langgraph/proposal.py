"""LangGraph: one agent wants to change what another owns. The change waits as a proposal, and the graph goes to its owner.

Sales hears that a customer is happy again, which is support's to say. Deeds answers `proposed`; the edge behind sales goes to
support, who accepts or declines; then sales reads in its work stream what became of it."""

import json
import os

import httpx
from langchain.agents import create_agent
from langgraph.graph import END, START, MessagesState, StateGraph

DEEDS = os.environ.get("DEEDS_URL", "http://127.0.0.1:4170")
RULE = "Every answer has an `outcome`. Where it is neither committed nor allowed, do what `next` says."


def tools(agent: str) -> list:
    """Deeds as that agent sees it. The token says who asks; `deeds tokens create` wrote it into NAME.token."""
    deeds = httpx.Client(base_url=DEEDS, headers=[open(f"{agent}.token").read().strip().split(": ", 1)])

    def read(account: str) -> str:
        """The record of a customer such as `acme`: each field with its value, its version and its owner."""
        return deeds.get(f"/v1/entities/crm/account/{account}").text

    def write(account: str, field: str, value: str, version: int) -> str:
        """Changes a field of the record. `version` is the one that you have read, 0 where there was none."""
        entity = f"crm/account/{account}"
        return deeds.post("/v1/writes", json={"entity": entity, "changes": {field: value}, "expected": {field: version}}).text

    def work() -> str:
        """Your work stream: proposals of others, notices, what became of what you asked."""
        return deeds.get("/v1/work").text

    def answer(work: int, verb: str, note: str) -> str:
        """Ends a piece of your work. `verb` is `accept` or `decline` for a proposal, `complete` for anything else."""
        return deeds.post(f"/v1/work/{work}/{verb}", json={"note": note}).text

    return [read, write, work, answer]


def main(sales_model, support_model, account: str = "acme") -> str:
    sales = create_agent(sales_model, tools("sales"), system_prompt=f"You sell. {RULE}")
    support = create_agent(support_model, tools("support"), system_prompt=f"You say how customers are. {RULE}")

    def ask_support(_: MessagesState) -> dict:
        support.invoke({"messages": [("user", "Go through your work.")]})
        return {"messages": [("user", "Support has gone through its work. What became of yours?")]}

    def behind_sales(state: MessagesState) -> str:
        said = [json.loads(message.content) for message in state["messages"] if message.type == "tool"] or [{}]
        return "support" if said[-1].get("outcome") == "proposed" else END

    graph = StateGraph(MessagesState).add_node("sales", sales).add_node("support", ask_support)
    graph.add_edge(START, "sales").add_conditional_edges("sales", behind_sales).add_edge("support", "sales")
    said = graph.compile().invoke({"messages": [("user", f"{account} is happy again: have their health say good.")]})
    return said["messages"][-1].content


if __name__ == "__main__":
    print(main(os.environ["MODEL"], os.environ["MODEL"]))  # such as openai:gpt-5, with its package installed
