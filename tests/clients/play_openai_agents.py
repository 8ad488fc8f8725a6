"""Plays assets/examples/openai-agents with models of our own."""

import asyncio
import json

from agents import Model, ModelResponse, Usage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

import agents_at_work
from minds import Seller, Support


class Minded(Model):
    """A model of the SDK that asks a mind."""

    def __init__(self, mind):
        self.mind, self.calls = mind, 0

    async def get_response(self, system_instructions, input, *_, **__):
        items = [{"role": "user", "content": input}] if isinstance(input, str) else input
        asked = max(at for at, item in enumerate(items) if item.get("role") == "user")
        said = [(at, json.loads(item["output"])) for at, item in enumerate(items) if item.get("type") == "function_call_output"]
        step = self.mind.step(items[asked]["content"], [one for _, one in said], sum(at > asked for at, _ in said))
        self.calls += 1
        if isinstance(step, str):
            text = ResponseOutputText(text=step, type="output_text", annotations=[])
            output = ResponseOutputMessage(id=f"m{self.calls}", content=[text], role="assistant", status="completed", type="message")
        else:
            tool, arguments = step
            output = ResponseFunctionToolCall(call_id=f"c{self.calls}", name=tool, arguments=json.dumps(arguments), type="function_call")
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *_, **__):
        raise NotImplementedError


print(asyncio.run(agents_at_work.main(Minded(Seller()), Minded(Support()))))
