"""endpoints: where scorers are. A recipe says which scorer; the option ``--scorer`` says who answers as it."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..progress import SILENT, Progress
from ..refusal import Refusal
from ..subjects.errors import NotHere

if TYPE_CHECKING:
    from .scorer import Scorer

VARIABLE = "MI_ASSAY_SCORERS"
CONCURRENCY = "MI_ASSAY_SCORER_CONCURRENCY"
LEXICAL, URL, VLLM, SERVE, OFFLINE = "lexical", "url", "vllm", "serve", "vllm-offline"
SHAPES = ("json_schema", "vllm")
FORMS = (
    LEXICAL,
    "MODEL@http://HOST:PORT/v1",
    "vllm:MODEL",
    "vllm-offline:MODEL",
    "serve:MODEL=COMMAND with {port}",
)


@dataclass(frozen=True)
class Endpoint:
    """One ``--scorer``.

    Attributes:
        kind: ``"lexical"``, ``"url"`` (a server that runs), ``"vllm"`` or ``"serve"`` (one that is started for as long
            as it is needed) or ``"vllm-offline"`` (in this process).
        model: its name, as recipes have it; ``"lexical"`` of the lexical scorer.
        place: the address of a server, or the command that starts one.
        structured: how the server is told the shape of an answer (``MODEL+json_schema``, ``MODEL+vllm``), if it is; see
            :class:`.chat_settings.ChatSettings`. Of use where a claim leaves the choice of a scorer open.
    """

    kind: str
    model: str
    place: str = ""
    structured: str | None = None


def parse_endpoint(text: str) -> Endpoint:
    """An endpoint, from the text of ``--scorer``.

    Raises:
        Refusal: none of :data:`FORMS`, an address with a user name, password or query (a key belongs into
            ``MI_ASSAY_SCORER_KEY``), or a command that leaves the port open.
    """
    text = text.strip()
    if text == LEXICAL:
        return Endpoint(LEXICAL, LEXICAL)
    kind, _, rest = text.partition(":")
    if kind in (VLLM, OFFLINE):
        model, structured = shaped(_model(rest, text))
        return Endpoint(kind, model, structured=structured)
    if kind == SERVE:
        model, _, command = rest.partition("=")
        model, structured = shaped(_model(model, text))
        return Endpoint(SERVE, model, _command(command.strip(), text), structured)
    model, found, address = text.partition("@http")
    if found:
        model, structured = shaped(_model(model, text))
        return Endpoint(URL, model, _address("http" + address), structured)
    raise _bad(f"--scorer {_shown(text)!r}")


def shaped(name: str) -> tuple[str, str | None]:
    """A model, and how it is told the shape of an answer: ``Qwen/Qwen2.5-7B-Instruct+json_schema``."""
    model, _, shape = name.rpartition("+")
    return (model, shape) if model and shape in SHAPES else (name, None)


def write(endpoints: Sequence[Endpoint]) -> None:
    """Put them where :func:`read` finds them: in the environment, which processes that are started from here inherit.

    Raises:
        Refusal: two for one model.
    """
    models = [e.model for e in endpoints]
    for model in models:
        if models.count(model) > 1:
            raise Refusal(f"{models.count(model)} scorers named {model}", "one", "Give --scorer once for each model.")
    os.environ[VARIABLE] = json.dumps([asdict(e) for e in endpoints])


def read() -> list[Endpoint]:
    """The endpoints of this process.

    Raises:
        Refusal: something else in the variable.
    """
    try:
        return [Endpoint(**entry) for entry in json.loads(os.environ.get(VARIABLE) or "[]")]
    except (ValueError, TypeError):
        raise Refusal(
            f"{VARIABLE} that cannot be read", "what --scorer writes", "Unset it, and give --scorer."
        ) from None


def find(model: str) -> Endpoint:
    """The endpoint of a model.

    Raises:
        NotHere: there is none; with the options that would give one.
    """
    for endpoint in read():
        if endpoint.model == model:
            return endpoint
    raise NotHere(
        f"nobody serves the scorer {model}",
        fix=f"Give --scorer '{model}@http://HOST:PORT/v1' for a server that runs, --scorer 'vllm:{model}' to start one, "
        f"or --scorer 'serve:{model}=COMMAND with {{port}}' for any other that speaks OpenAI's API.",
    )


@contextmanager
def open_scorer(identity: Mapping[str, Any], progress: Progress = SILENT) -> Iterator[Scorer]:
    """The scorer of a recipe, with its server where it needs one, for as long as the block runs.

    Raises:
        Refusal: another kind or setting.
        NotHere: nobody serves its model.
        ScorerUnavailable: its server does not start.
    """
    kind = identity.get("kind")
    if kind == LEXICAL:
        from .lexical import LexicalScorer

        yield LexicalScorer(identity)
        return
    if kind != "chat":
        raise Refusal(f"a scorer of kind {kind!r}", "lexical or chat", "Correct the recipe.")
    from .chat import ChatScorer
    from .chat_settings import ChatSettings

    model, at_once = ChatSettings.of(identity).model, concurrency()
    endpoint = find(model)
    if endpoint.kind == URL:
        yield ChatScorer(identity, endpoint.place, concurrency=at_once)
    elif endpoint.kind == VLLM:
        from .served import vllm_served

        with vllm_served(model, progress=progress) as url:
            yield ChatScorer(identity, url, ours=True, concurrency=at_once)
    elif endpoint.kind == SERVE:
        from .served import served

        with served(shlex.split(endpoint.place), model, progress=progress) as url:
            yield ChatScorer(identity, url, ours=True, concurrency=at_once)
    else:
        from .vllm_offline import OfflineScorer

        yield OfflineScorer(identity)


def concurrency() -> int:
    """Requests under way at once: ``MI_ASSAY_SCORER_CONCURRENCY``, 16 where nobody has set it.

    Raises:
        Refusal: no number from 1 up.
    """
    text = os.environ.get(CONCURRENCY) or "16"
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise Refusal(f"{CONCURRENCY}={text}", "a number from 1 to 9999", "Correct it.")
    return int(text)


def _model(text: str, option: str) -> str:
    if not re.fullmatch(r"[\w./:+-]+", text):
        raise _bad(f"--scorer {_shown(option)!r} without a model's name")
    return text


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        secret = parts.username is not None or parts.password is not None or parts.query or parts.fragment
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise _bad("--scorer with an address that is none") from None
    if secret:  # not repeated: it may hold a key
        raise Refusal(
            "--scorer with a user name, password or query in its address",
            "the address alone",
            "Put the key into MI_ASSAY_SCORER_KEY.",
        )
    if parts.scheme not in ("http", "https") or not host or not parts.path.strip("/"):
        raise Refusal(
            f"--scorer with the address {_shown(text)!r}", "one such as http://127.0.0.1:8000/v1", "Give its path too."
        )
    return text.rstrip("/")


def _command(text: str, option: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _bad(f"--scorer {_shown(option)!r} ({error})") from None
    if not any("{port}" in word for word in words):
        raise Refusal(
            f"--scorer {_shown(option)!r}",
            "a command with {port} in it",
            "It is told which port to listen on, of 127.0.0.1.",
        )
    return text


def _shown(option: str) -> str:
    """An option without what may be secret: addresses and commands hold keys."""
    kind, colon, _ = option.partition(":")
    if kind == SERVE and colon:
        return option.partition("=")[0] + ("=…" if "=" in option else "")
    return re.sub(r"(https?://).*", r"\1…", option, flags=re.DOTALL)


def _bad(given: str) -> Refusal:
    return Refusal(given, f"one of: {' | '.join(FORMS)}", "Correct the option.")
