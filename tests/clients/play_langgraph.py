"""Plays assets/examples/langgraph with models of our own, by LangChain's fake chat model."""

import json

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

import proposal
from minds import Proposer, Support


class Minded(GenericFakeChatModel):
    """The fake model, whose next message is what a mind says to those before."""

    mind: object

    def bind_tools(self, tools, **_):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **_):
        asked = max(at for at, message in enumerate(messages) if message.type == "human")
        said = [(at, json.loads(message.content)) for at, message in enumerate(messages) if message.type == "tool"]
        step = self.mind.step(messages[asked].content, [one for _, one in said], sum(at > asked for at, _ in said))
        if isinstance(step, str):
            message = AIMessage(step)
        else:
            message = AIMessage("", tool_calls=[{"name": step[0], "args": step[1], "id": f"c{len(messages)}"}])
        return ChatResult(generations=[ChatGeneration(message=message)])


def minded(mind) -> Minded:
    return Minded(messages=iter([]), mind=mind)


print(proposal.main(minded(Proposer()), minded(Support("decline"))))
