"""Auto-interpretation scene: latents of two coders explained and scored by a model that reads delphi's prompts, with controls."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import torch

import mi.autointerp.cache as caching
import mi.autointerp.examples as sampling
import mi.autointerp.interpret as interpreting
from fixtures.autointerp import AutoInterp
from ledger.verdict import Rule
from mi.activations.harvest import harvest
from mi.activations.read import Activations
from mi.autointerp.chat import ChatScorer
from mi.autointerp.cost import Cost
from mi.autointerp.endpoints import open_scorer
from mi.autointerp.lexical import named_in, naming
from mi.autointerp.planted import planted
from mi.autointerp.registered import digest, draw
from mi.claimable import Contrast, Refusal, Sample, mean, paired
from mi.coders.load import save_coder
from mi.progress import SILENT
from mi.subjects.spec import subject_spec
from mi.unit_table import UnitTable

from ..court import judged, number
from ..guards import lifted
from ..number import Number
from ..patch import replaced, together
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from ..tiny_coders import LATENTS, tiny_coder
from .coders import fidelity
from .court import REFUSALS, claim_row, control_problems
from .subject import write_texts

MLP_IN, MLP_OUT = "blocks.2.mlp.hook_in", "blocks.2.hook_mlp_out"
PRE, POST = "blocks.2.hook_resid_pre", "blocks.2.hook_resid_post"
SITES = (MLP_IN, MLP_OUT, PRE, POST)
CODERS = ("sae", "transcoder")
TEXTS, LENGTH, DRAWN, PLANTED = 900, 48, 48, 12
READER, LEXICAL = {"kind": "chat", "model": "reader"}, {"kind": "lexical"}
KINDS = ("detection", "fuzzing")
SIZES = {"n_explain": 10, "n_test": 10, "n_silent": 11, "deciles": 5, "min_examples": 15}
WORDS = {
    "could not be read": ("K14",),
    "the registered sample": ("K20", "K28"),
    "side fires": ("K15",),
    "scores of ": ("K20",),
    "coders of one site": ("K15", "K20"),
    "arms with identical scores": ("K18", "K19", "K21", "K23"),
    "numbers above 0": ("K28",),
    "scores that are all equal": ("K21", "K23"),
    **REFUSALS,
}


class Reader(ChatScorer):
    """A model of known accuracy: sees nothing but delphi's messages, and says what it makes of them in words.

    It names the tokens that fire most, and looks for named tokens; one answer in twenty is wrong, one in 600 is null, and
    one question in 2500 gets no list at all.
    """

    def __init__(self, scene: AutoInterpScene) -> None:
        super().__init__(READER, "http://localhost/v1", concurrency=scene.concurrency)
        self.mumbles = scene.mumbles

    async def _say(self, thing: Any) -> tuple[str, bool, Cost]:
        asked = self.settings.messages(thing)[-1]["content"]
        dice = crc32(asked.encode())
        for _ in range(dice % 5):  # others overtake
            await asyncio.sleep(0)
        said = self._answers(asked, dice) if asked.startswith("Latent explanation: ") else self._explains(asked, dice)
        return said, False, Cost(self.name, 2 if dice % 29 == 0 else 1, 1, 1)

    def _explains(self, asked: str, dice: int) -> str:
        fired: Counter[str] = Counter()
        for token, strength in re.findall(r'\("(.*?)" : (\d+)\)', asked, re.DOTALL):
            fired[token] += int(strength)
        top = sorted(fired, key=lambda token: (-fired[token], token))
        some = naming([token for token in top if 3 * fired[token] > fired[top[0]]][:6])
        return some if self.mumbles and dice % 4 == 0 else f"They have it in common.\n[EXPLANATION]: {some}"

    def _answers(self, asked: str, dice: int) -> str:
        head, _, listed = asked.partition("\n\nText examples:\n\n")
        named = named_in(head.removeprefix("Latent explanation: ")) or ()
        texts = re.split(r"(?:^|\n)Example \d+: ", listed.rpartition("\n\nAnswer with")[0])[1:]
        if dice % 2500 == 3:
            return "I would rather not say."
        return "Here you are: [" + ", ".join(self._one(text, named, head) for text in texts) + "]"

    def _one(self, text: str, named: Sequence[str], head: str) -> str:
        marked = re.findall(r"<<(.*?)>>", text, re.DOTALL)
        hits = sum(any(token in part for token in named) for part in marked or [text])
        dice = crc32(f"{head} {text}".encode())
        if dice % 600 == 7:
            return "null"
        return str(int((2 * hits >= len(marked or [text])) is not (dice % 20 == 0)))


class _Home(AutoInterp):
    """The fixture, with the scene's artifacts where a lab would have built them."""

    def _bundle(self, coder: str) -> Any:
        return coder

    def interpret(self, coder: str, scorer: str, drawn: str = "any", repeat: int = 0) -> Any:
        return coder, scorer, repeat


@dataclass
class AutoInterpScene(Scene):
    """An SAE and a transcoder of one MLP, registered latents of both, and everything that is claimed of them."""

    spec: dict[str, Any]
    texts: dict[str, Path]
    harvests: dict[str, Path]
    coders: Path
    block: Path
    """The same SAE beside a transcoder of the whole block."""
    real: dict[str, torch.Tensor]
    registered: str
    n_shown: int = 5
    concurrency: int = 4
    sizes: dict[str, int] = field(default_factory=lambda: dict(SIZES))
    control_seed: int = 0
    sample_seed: int = 0
    mumbles: bool = False
    """Whether the model forgets in one explanation of four to say where it begins."""
    made: dict[Any, Path] = field(default_factory=dict)
    """Of the last measurement: the scores of each coder by each scorer, and again."""
    planted: Path | None = None
    verdicts: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """From the harvest to the scores, with every builder."""
        drawn = draw(LATENTS, DRAWN)
        with replaced(interpreting, "open_scorer", self._open):
            for coder in CODERS:
                caches = {split: self.cached(coder, split, drawn) for split in self.harvests}
                windows = self.windows(caches, drawn)
                self.made[coder, "reader", 0] = self.asked(windows, READER)
                if coder == "sae":
                    self.made[coder, "lexical", 0] = self.asked(windows, LEXICAL)
                    again = self.windows(caches, drawn, repeat=1)
                    self.made[coder, "lexical", 1] = self.asked(again, LEXICAL, self.made[coder, "lexical", 0])
            self.planted = self.asked(self.windows(self.planted_caches(), list(range(PLANTED))), LEXICAL)

    def cached(self, coder: str, split: str, drawn: list[int]) -> Path:
        out = fresh("cache")
        about: dict[str, Any] = {"coders": self.coders, "coder": coder, "latents": drawn}
        caching.cache(out, progress=SILENT, activations=self.harvests[split], **about)
        return out

    def planted_caches(self) -> dict[str, Path]:
        caches = {split: fresh("planted") for split in self.harvests}
        for split, out in caches.items():
            about: dict[str, Any] = {"train": self.harvests["train"], "rule": "tokens", "n": PLANTED}
            planted(out, progress=SILENT, activations=self.harvests[split], **about)
        return caches

    def windows(self, caches: dict[str, Path], drawn: list[int], repeat: int = 0) -> Path:
        out = fresh("examples")
        about: dict[str, Any] = {"subject": self.spec, "drawn": drawn, "digest": digest(drawn), "repeat": repeat}
        sampling.examples(out, progress=SILENT, **caches, **about, **self.sizes, seed=self.sample_seed)
        return out

    def asked(self, windows: Path, scorer: dict[str, Any], explained: Path | None = None) -> Path:
        out = fresh("scores")
        about: dict[str, Any] = {"scorer": scorer, "explained": explained, "n_shown": self.n_shown}
        interpreting.interpret(out, progress=SILENT, examples=windows, **about, seed=self.control_seed)
        return out

    @contextmanager
    def _open(self, identity: Any, progress: Any) -> Iterator[Any]:
        if identity["kind"] == "chat":
            yield Reader(self)
        else:
            with open_scorer(identity, progress) as scorer:
                yield scorer

    def contrasts(self) -> dict[str, tuple[Callable[[], Contrast], Rule, float]]:
        """What is claimed, as claims/autointerp.yaml and claims/microscope.yaml do, with rule and bound."""
        claims: dict[str, tuple[Callable[[], Contrast], Rule, float]] = {}
        home, of = _Home(_lab(self)), self.registered
        for k in KINDS:
            for c in CODERS:
                claims[f"{c}: {k} - shuffled"] = partial(self._above_shuffled, c, k), "above", 0.0
                claims[f"{c}: {k}, random"] = (
                    partial(home.above_chance, c, "reader", k, "random", drawn=of),
                    "within",
                    0.15,
                )
            claims[f"{k} again"] = partial(self._again, k), "within", 0.02
            claims[f"planted: {k}"] = partial(self._planted, k), "above", 0.7
            claims[f"transcoder - sae, {k}"] = (
                partial(home.advantage, CODERS[::-1], "reader", k, drawn=of),
                "above",
                0.0,
            )
        for c in CODERS:
            claims[f"{c}: read"] = partial(self._read, c), "above", 0.5
        return claims

    def _above_shuffled(self, coder: str, kind: str) -> Contrast:
        home, of = _Home(_lab(self)), self.registered
        own = home.score(coder, "reader", kind, drawn=of)
        return own - home.score(coder, "reader", kind, control="shuffled", drawn=of)

    def _again(self, kind: str) -> Contrast:
        return paired(*_Home(_lab(self)).twice("sae", "lexical", kind, drawn=self.registered))

    def _planted(self, kind: str) -> Contrast:
        assert self.planted is not None
        table = UnitTable.read(self.planted)
        return mean(Sample(table.column(kind), table.units, unit="latent"))

    def _read(self, coder: str) -> Contrast:
        return mean(_Home(_lab(self)).read(coder, "reader", drawn=self.registered))

    def measure(self) -> Measured:
        self.run()
        numbers: dict[str, Number] = {}
        for (coder, scorer, repeat), path in self.made.items():
            if not repeat:
                facts = UnitTable.read(path).facts
                about = {"coverage": facts["coverage"], "parse rate": facts["parse_rate"]["detection"]}
                for name, value in about.items():
                    numbers[f"{coder}, {scorer}: {name}"] = Number(float(value), 0.0, 1.0)
        self.verdicts = {}
        for name, (make, rule, bound) in self.contrasts().items():
            self.verdicts[f"{name} {rule} {bound:g}"] = found = judged(make, rule, bound)
            if found != "refused":
                numbers[name] = number(make(), -1.0, 1.0)
        return Measured(numbers, self.verdicts)

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.coders.fidelity", (), lambda scene: fidelity(scene.coders, list(CODERS), scene.real)),
            Check("mi.claimable", (), lambda scene: scene.judgeable()),
            Check("ledger.controls", ("K19",), lambda scene: scene.controls()),
            Check("claim single-token-latents-are-explained", ("K22",), lambda scene: scene.explained()),
        )

    def judgeable(self) -> list[Fired]:
        """What the contrasts refuse."""
        fired = []
        for name, (make, _, _) in self.contrasts().items():
            try:
                make()
            except Refusal as refusal:
                kinds = next((kinds for words, kinds in WORDS.items() if words in str(refusal)), ())
                fired.append(Fired(f"fixtures.autointerp or mi.claimable refuses {name}", kinds, str(refusal)))
        return fired

    def controls(self) -> list[Fired]:
        """What the table says of explanations that beat shuffled ones, beside random ones and the share that was read."""
        fired = []
        for claim, verdict in self.verdicts.items():
            coder, _, rest = claim.partition(": ")
            if coder in CODERS and " - shuffled" in rest:
                random = f"{coder}: {rest.partition(' - ')[0]}, random within 0.15"
                rows = [claim_row("headline", verdict, ("study.random", "study.read"))]
                rows += [
                    claim_row("random", self.verdicts[random]),
                    claim_row("read", self.verdicts[f"{coder}: read above 0.5"]),
                ]
                fired += control_problems(rows)
        return fired  # fmt: skip

    def explained(self) -> list[Fired]:
        """Planted latents that are not explained."""
        wrong = [name for name, verdict in self.verdicts.items() if name.startswith("planted") and verdict != "pass"]
        return [Fired("claim single-token-latents-are-explained", ("K22",), name) for name in wrong]

    def unguarded(self) -> AbstractContextManager[Any]:
        return together(
            lifted(*GUARDS),
            replaced(interpreting, "write_cards", lambda *given: None),
            replaced(interpreting, "_blind", list),
        )


GUARDS = (
    "mi.autointerp.cache:spot_check",
    "mi.autointerp.examples:last_look",
    "mi.autointerp.examples:_require_registered",
    "mi.autointerp.examples:_require_bos",
    "mi.autointerp.interpret:require_answers",
    "mi.autointerp.interpret:require_fair",
)


def _lab(scene: AutoInterpScene) -> Any:
    """What the fixture asks of a lab."""
    recipes = SimpleNamespace(gates=lambda: None, fidelity=lambda bundle: None)
    plan = SimpleNamespace(layer=2, n_latents=LATENTS, texts="world")

    def built(*asked: Any) -> list[Any]:
        return [SimpleNamespace(path=scene.made.get(key), digest=str(key)) for key in asked]

    return SimpleNamespace(spec=scene.spec, recipes=recipes, plan=plan, built=built, stand_in=False)


def harvested(texts: Path, spec: dict[str, Any]) -> Path:
    """Rows of the organism at both ends of the MLP and of its block."""
    out = fresh("activations")
    harvest(out, progress=SILENT, texts=texts, subject=spec, sites=list(SITES), max_length=LENGTH)
    return out


def organism(seed: int) -> AutoInterpScene:
    """The organism's first training seed, on texts of this data seed."""
    spec = subject_spec("organism")
    texts = {"train": write_texts(1000 + seed, TEXTS, "train")[0], "test": write_texts(seed, TEXTS)[0]}
    harvests = {split: harvested(path, spec) for split, path in texts.items()}
    rows = next(iter(Activations(harvests["train"]).ordered(list(SITES), 1 << 20)))
    coders, block = fresh("coders"), fresh("coders")
    for bundle, ends in ((coders, (MLP_IN, MLP_OUT)), (block, (PRE, POST))):
        made = {"sae": (MLP_OUT, MLP_OUT), "transcoder": ends}
        for name, sites in made.items():
            x, y = (rows[site] for site in sites)
            save_coder(tiny_coder(x, y, name, "sparsify", "topk", sites, seed), bundle / name)
    chosen = torch.randperm(len(rows[POST]), generator=torch.Generator().manual_seed(0))[:1024]
    real = {site: rows[site][chosen] for site in SITES}
    return AutoInterpScene(seed, spec, texts, harvests, coders, block, real, digest(draw(LATENTS, DRAWN)))
