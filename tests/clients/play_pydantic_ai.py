"""Plays assets/examples/pydantic-ai with models of our own, by the framework's FunctionModel."""

import pydantic_ai.models
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import FunctionModel

import plan
from minds import Planner, Support

pydantic_ai.models.ALLOW_MODEL_REQUESTS = False


def minded(mind) -> FunctionModel:
    """A model that asks a mind."""

    def answer(messages, _) -> ModelResponse:
        parts = [part for message in messages for part in message.parts]
        asked = max(at for at, part in enumerate(parts) if isinstance(part, UserPromptPart))
        said = [(at, part.content) for at, part in enumerate(parts) if isinstance(part, ToolReturnPart)]
        step = mind.step(parts[asked].content, [one for _, one in said], sum(at > asked for at, _ in said))
        return ModelResponse([TextPart(step) if isinstance(step, str) else ToolCallPart(*step)])

    return FunctionModel(answer)


print(plan.main(minded(Planner()), minded(Support())))
