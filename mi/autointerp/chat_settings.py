"""ChatSettings: what a language model is asked, and how; everything about it that can change an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..refusal import Refusal
from .delphi_engine import Message, explainer_prompt, question_prompt
from .latent_examples import LatentExamples
from .scorer import Question

STRUCTURED = (None, "json_schema", "vllm")
_TOKENS_PER_ITEM = 4


@dataclass(frozen=True)
class ChatSettings:
    """Everything about a chat scorer that can change an answer, except where it is served.

    Attributes:
        model: the name that servers know it by.
        temperature: of sampling.
        seed: of sampling, for servers that have one.
        structured: None (free text), ``"json_schema"`` (OpenAI's structured outputs) or ``"vllm"`` (vLLM's).
        explanation_tokens: most tokens of an explanation.
        spare_tokens: tokens that an answer may have beside its list.
    """

    model: str
    temperature: float = 0.0
    seed: int = 0
    structured: str | None = None
    explanation_tokens: int = 500
    spare_tokens: int = 64

    @classmethod
    def of(cls, identity: Mapping[str, Any]) -> ChatSettings:
        """From a recipe: ``{"kind": "chat", "model": ..., ...}``.

        Raises:
            Refusal: another kind, no model, or a setting that there is not.
        """
        given = {key: value for key, value in identity.items() if key != "kind"}
        unknown = sorted(set(given) - set(cls.__dataclass_fields__))
        model, structured = given.get("model"), given.get("structured")
        if identity.get("kind") != "chat" or not isinstance(model, str) or not model or unknown:
            raise Refusal(
                f"scorer {dict(identity)}",
                f'{{"kind": "chat", "model": ...}} with {", ".join(list(cls.__dataclass_fields__)[1:])}',
                "Correct the recipe.",
            )
        if structured not in STRUCTURED:
            raise Refusal(f"structured={structured!r}", f"one of {STRUCTURED}", "Correct the recipe.")
        return cls(**given)

    @property
    def identity(self) -> dict[str, Any]:
        """Every setting with its value."""
        return {"kind": "chat", **asdict(self)}

    def messages(self, thing: Question | LatentExamples) -> list[Message]:
        """delphi's prompt; for a question with a last line that says how to answer, and that null is an answer."""
        if isinstance(thing, LatentExamples):
            return explainer_prompt(thing.explain)
        n = len(thing.examples)
        *before, last = question_prompt(thing)
        ask = (
            f"Answer with a JSON list of {n} items and nothing else, one for each example in its order: "
            "1, 0, or null if you cannot tell."
        )
        return [*before, {**last, "content": f"{last['content']}\n{ask}"}]

    def max_tokens(self, thing: Question | LatentExamples) -> int:
        """Tokens after which an answer is cut, and then does not count."""
        if isinstance(thing, LatentExamples):
            return self.explanation_tokens
        return self.spare_tokens + _TOKENS_PER_ITEM * len(thing.examples)

    def shape(self, thing: Question | LatentExamples) -> dict[str, Any]:
        """What a request says about the shape of its answer."""
        if self.structured is None or isinstance(thing, LatentExamples):
            return {}
        n = len(thing.examples)
        items = {"type": "array", "items": {"enum": [0, 1, None]}, "minItems": n, "maxItems": n}
        if self.structured == "vllm":
            return {"extra_body": {"structured_outputs": {"json": items}}}
        schema = {
            **{"type": "object", "properties": {"answers": items}},
            **{"required": ["answers"], "additionalProperties": False},
        }
        return {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answers", "strict": True, "schema": schema},
            }
        }
