"""OfflineScorer: vLLM in this process, for an environment that holds both. Same prompts and reading as ChatScorer.

vLLM and the workshop usually need different versions of torch; then serve the model (``vllm:MODEL``) instead. In this
project's own environment there is no vLLM: this file is tested against a stand-in for it.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..subjects.errors import NotHere
from .cost import Cost
from .language_model import LanguageModel
from .latent_examples import LatentExamples
from .memory import SEQUENCES
from .scorer import Question
from .served import fitted


class _Waiting(NamedTuple):
    thing: Question | LatentExamples
    said: asyncio.Future[tuple[str, bool, Cost]]


class OfflineScorer(LanguageModel):
    """Answers in batches: what is asked in one turn of the loop goes through vLLM's ``LLM.chat`` together.

    Args:
        identity: as of :class:`~mi.autointerp.chat.ChatScorer`.

    Raises:
        NotHere: no vLLM in this environment.
        Refusal: the model does not fit on the GPU; nothing has been loaded.
    """

    def __init__(self, identity: Mapping[str, Any]) -> None:
        super().__init__(identity)
        self.concurrency = 16 * SEQUENCES  # vLLM queues them itself
        try:
            self._vllm: Any = importlib.import_module("vllm")
        except ImportError as error:
            raise NotHere(f"no vLLM in this environment ({error})", fix=f"Use --scorer vllm:{self.name}.") from None
        share, length = fitted(self.name)
        self._llm: Any = self._vllm.LLM(
            model=self.name,
            seed=self.settings.seed,
            max_model_len=length,
            max_num_seqs=SEQUENCES,
            gpu_memory_utilization=share,
            generation_config="vllm",
        )
        self._waiting: list[_Waiting] = []

    async def _say(self, thing: Question | LatentExamples) -> tuple[str, bool, Cost]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer_all)  # after everybody else of this turn has asked
        waiting = _Waiting(thing, loop.create_future())
        self._waiting.append(waiting)
        return await waiting.said

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            outputs = self._llm.chat(
                [self.settings.messages(w.thing) for w in waiting],
                [self._sampling(w.thing) for w in waiting],
                use_tqdm=False,
            )
            for w, output in zip(waiting, outputs, strict=True):
                said = output.outputs[0]
                cost = Cost(self.name, 1, len(output.prompt_token_ids or ()), len(said.token_ids))
                if not w.said.cancelled():
                    w.said.set_result((said.text, said.finish_reason == "length", cost))
        except Exception as error:  # whoever waits has to hear of it
            for w in waiting:
                if not w.said.done():
                    w.said.set_exception(error)

    def _sampling(self, thing: Question | LatentExamples) -> Any:
        asked, shape = self.settings, self.settings.shape(thing)
        given: dict[str, Any] = {
            "temperature": asked.temperature,
            "seed": asked.seed,
            "max_tokens": asked.max_tokens(thing),
        }
        if shape:
            schema = shape.get("extra_body", {}).get("structured_outputs", {}).get("json")
            schema = schema or shape["response_format"]["json_schema"]["schema"]
            kinds = importlib.import_module("vllm.sampling_params")
            given["structured_outputs"] = kinds.StructuredOutputsParams(json=schema)
        return self._vllm.SamplingParams(**given)
