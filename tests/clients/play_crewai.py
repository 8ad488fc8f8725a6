"""Plays assets/examples/crewai with models of our own, by a class of ours beside the framework's."""

import json
import re

from crewai import BaseLLM

import renewal
from minds import Proposer, Support


class Minded(BaseLLM):
    """A model that asks a mind, and speaks as models without calls of functions do: thought, action, observation."""

    mind: object

    def call(self, messages, tools=None, *_, **__):
        text = "\n".join(message["content"] or "" for message in messages if message["role"] != "system")
        asked = re.search(r"Current Task: (.*)", text).group(1)
        said = [json.loads(line) for line in re.findall(r"^Observation: (\{.*\})$", text, re.M)]
        step = self.mind.step(asked, said, len(said))
        if isinstance(step, str):
            return f"Thought: I know enough.\nFinal Answer: {step}"
        return f"Thought: I ask Deeds.\nAction: {step[0]}\nAction Input: {json.dumps(step[1])}\n"


def minded(mind) -> Minded:
    return Minded(model="ours", mind=mind)


print(renewal.main(minded(Proposer()), minded(Support())))
