"""ChatScorer: a language model behind any endpoint that speaks OpenAI's chat completions, asked with delphi's prompts."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .cost import Cost
from .language_model import LanguageModel
from .latent_examples import LatentExamples
from .scorer import Question
from .unavailable import ScorerUnavailable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KEYS = ("MI_ASSAY_SCORER_KEY", "OPENAI_API_KEY")
CONCURRENCY = 16
TIMEOUT = 300.0  # seconds per try
RETRIES = 6  # the openai package waits 0.5, 1, 2, 4, 8, 8 s between them, or what Retry-After says
_TOO_LONG = re.compile(r"context.{0,20}length|context.{0,20}(size|window)|too (long|many tokens)", re.IGNORECASE)

OPENAI = "api.openai.com"
"""The one host that OPENAI_API_KEY is for."""


class ChatScorer(LanguageModel):
    """Asks over HTTP with the openai package, which repeats what fails on the way (408, 409, 429, 5xx, connections).

    The key is read from the environment when a connection is made and kept nowhere: ``MI_ASSAY_SCORER_KEY``, else
    ``OPENAI_API_KEY`` for api.openai.com and no other host, else ``"none"``.

    Args:
        identity: see :class:`~mi.autointerp.chat_settings.ChatSettings`.
        url: the endpoint, up to and with its ``/v1``.
        concurrency: requests under way at once.
        timeout: seconds per try.
        retries: tries after the first one.
        ours: whether it is a server that this process has started, which needs no key.

    Raises:
        ScorerUnavailable: (by ``explain`` and ``answer``) no server, a refused key, another model than asked for, a
            prompt that is too long for it, or an error that does not go away. It is never turned into an answer.
    """

    def __init__(
        self,
        identity: Mapping[str, Any],
        url: str,
        *,
        concurrency: int = CONCURRENCY,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        ours: bool = False,
    ) -> None:
        super().__init__(identity)
        self.concurrency, self.timeout, self.retries = concurrency, timeout, retries
        self._url, self._ours = url, ours
        self._client: AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def aclose(self) -> None:
        """Close the connections; the next request makes new ones."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.close()

    async def _say(self, thing: Question | LatentExamples) -> tuple[str, bool, Cost]:
        import openai

        asked = self.settings
        messages: Any = asked.messages(thing)
        try:
            raw = await self._connected().chat.completions.with_raw_response.create(
                model=asked.model,
                messages=messages,
                temperature=asked.temperature,
                seed=asked.seed,
                max_tokens=asked.max_tokens(thing),
                **asked.shape(thing),
            )
            said: Any = raw.parse()
            choice, served_as = said.choices[0], said.model
            text, why = choice.message.content, choice.finish_reason
        except openai.APIError as error:
            raise self._unavailable(error) from None
        except (AttributeError, IndexError, TypeError, ValueError):
            raise ScorerUnavailable(
                f"something of the server of {asked.model} that is no chat completion",
                "an endpoint that speaks OpenAI's chat completions",
                "Check the address that --scorer gives.",
            ) from None
        if not same_model(asked.model, served_as):
            raise ScorerUnavailable(
                f"answers by {_clipped(served_as)}",
                f"{asked.model}, which was asked",
                "Serve that model, or register a scorer of the other name.",
            )
        used = said.usage
        tokens = (used.prompt_tokens or 0, used.completion_tokens or 0) if used else (0, 0)
        return _hidden(text or ""), why == "length", Cost(served_as, raw.retries_taken + 1, *tokens)

    def _connected(self) -> AsyncOpenAI:
        """A client of the running loop: connections cannot go from one loop to another."""
        import openai

        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            host = urlsplit(self._url).hostname or ""
            self._loop = loop
            self._client = openai.AsyncOpenAI(
                api_key="none" if self._ours else _key(self._url),
                base_url=self._url,
                timeout=self.timeout,
                max_retries=self.retries,
                # A proxy of the environment is for the world outside.
                http_client=openai.DefaultAsyncHttpxClient(trust_env=not _local(host)),
            )
        return self._client

    def _unavailable(self, error: Any) -> ScorerUnavailable:
        import openai

        model, tries = self.settings.model, f"{self.retries + 1} tries"
        status, said = getattr(error, "status_code", None), _clipped(_hidden(str(error.message)))
        if isinstance(error, openai.APITimeoutError):
            given, fix = (
                f"no answer of {model} within {self.timeout:g} s, in {tries}",
                "Ask fewer at once, or wait longer.",
            )
        elif isinstance(error, openai.APIConnectionError):
            given, fix = f"no connection to the server of {model}, in {tries}", "Is it running where --scorer says?"
        elif status in (401, 403):
            given, fix = f"a server of {model} that refuses the key ({status})", f"Set {' or '.join(KEYS)}."
        elif status == 404:
            given = f"a server that has no {model} ({said})"
            fix = "Serve it under this name, or correct the address, which usually ends with /v1."
        elif status in (400, 413) and _TOO_LONG.search(str(error.message)):
            given = f"a prompt that is too long for {model} as it is served ({said})"
            fix = "Serve it with a longer context, or show fewer examples at once."
        else:
            given = f"an error of the server of {model} ({status or type(error).__name__}: {said})"
            fix = "Look into the server's log."
        return ScorerUnavailable(given, "answers", f"{fix} Run again: what was answered is kept and not asked again.")


def same_model(asked: str, served: object) -> bool:
    """Whether a server's name is that of the model asked for, or of one dated or pinned version of it."""
    pinned = re.escape(asked) + r"(-\d{4}(-?\d{2}-?\d{2})?|@[\w.-]+)?"
    return isinstance(served, str) and re.fullmatch(pinned, served) is not None


def _key(url: str) -> str:
    parts = urlsplit(url)
    openai = parts.scheme == "https" and parts.hostname == OPENAI
    found = [os.environ.get(name) for name in (KEYS if openai else KEYS[:1])]
    return next((key for key in found if key), "none")


def _local(host: str) -> bool:
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _hidden(text: str) -> str:
    """A text without the keys, should a server repeat them."""
    for name in KEYS:
        key = os.environ.get(name, "").strip()
        if len(key) > 5:  # a shorter one is no secret, and occurs in words
            text = text.replace(key, "[key]")
    return text


def _clipped(text: object) -> str:
    return " ".join(str(text).split())[:300]
