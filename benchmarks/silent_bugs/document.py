"""Document: the kill table as the page docs/silent_bugs.md."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from .left_out import LEFT_OUT
from .report import Report, Row
from .table import claim, first_fired, largest, scores

PACKAGES = ("torch", "transformers", "transformer-lens", "sae-lens", "eai-sparsify", "numpy")
PARTS = {
    "loading": "Loading: the model that runs is not the model that was meant",
    "hooks": "Hooks: what is read or written is not what the site's name says",
    "tokens": "Tokens: BOS, padding, masks and batches",
    "coders": "Coders: loading, adapters, folds, encode and decode",
    "training": "Training of coders: objectives, optimisers, saving, scaling",
    "metrics": "Metrics and the study around them",
    "data": "Data, splits and caches",
    "probing": "Probing: splits, pooled rows, baselines, randomised copies",
    "steering": "Steering: directions, doses, noise, judges, the choice of a coefficient",
    "circuits": "Circuits: sets of latents kept and ablated, and random sets beside them",
    "autointerp": "Auto-interpretation: latents cached, windows drawn, questions asked, answers counted",
    "benchmarks": "Benchmarks of others: what SAEBench is given, and whose results are read",
}
INTRODUCTION = """\
# Silent bugs, as last measured

A silent bug raises nothing, warns of nothing and gives numbers that look right. `make mutants` re-enacts {bugs} of them as small changes to this pipeline. Most
lived in a published tool or study, and have the id of the catalogue that they were collected in; those marked *practice* are further ones of the same kinds. Each is
shown to be silent first. Then the checks run that everybody gets: gates of subjects and coders, what builders refuse or warn of, the store, the court.

{found}

Every check ships with the library and runs in ordinary use. Many were added because this list showed the gap, so the detection rate describes the list and says
little about bugs that nobody has thought of. False alarms are counted over {benign} harmless changes: another order, batch size, data seed, precision, folder.

- *killed*: on how many data seeds some check fired. A bug counts as detected if one fired on every seed.
- *check that fired*: the first one of the kind that the catalogue asks for (K-number), and how many more did. `package.module:function` is a refusal inside
  our code that cannot be switched off; silence was then shown with the refusal lifted. *(not as meant)*: only checks of other kinds fired.
- *verdict*: `flips` if a claim's verdict changed, and on how many seeds; `moves` if a number left the 95 % interval of the clean run; `shifts` if it changed
  inside it; `none` if no number of the scene shows the bug.
"""


def document(report: Report) -> str:
    """The whole page."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    found = "\n".join(f"- {line}" for line in scores(report))
    lines = [
        INTRODUCTION.format(bugs=len(report.bugs), benign=len(report.benign), found=found),
        f"Made {datetime.now(UTC):%Y-%m-%d} in {report.seconds:.0f} s (Python {platform.python_version()}, {versions}).",
        "",
    ]
    for part, title in PARTS.items():
        rows = [row for row in report.bugs if row.mutant.part == part]
        if rows:
            lines += [
                f"## {title}",
                "",
                *_table(_bug, ("id", "bug", "lived in", "killed", "check that fired", "verdict", "effect"), rows),
            ]
    lines += ["## Harmless changes", "", *_table(_harmless, ("id", "change", "alarm", "effect"), report.benign)]
    if report.dropped:
        lines += ["## Dropped: not silent", "", *_table(_dropped, ("id", "change", "why"), report.dropped)]
    lines += [
        "## Left out",
        "",
        "Bugs of the catalogue that touch what does not exist here, or that another check owns:",
        "",
    ]
    lines += [f"- {', '.join(names)}: {why}." for names, why in LEFT_OUT.items()]
    return "\n".join(lines) + "\n"


def _table(cells: Callable[[Row], Sequence[str]], head: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    yield _line(head)
    yield _line(["---"] * len(head))
    for row in rows:
        yield _line(cells(row))
    yield ""


def _bug(row: Row) -> tuple[str, ...]:
    m = row.mutant
    hit = sum(bool(t.fired) for t in row.trials)
    fired = first_fired(row) or "none: it survives"
    if row.fired and not row.meant_fired:
        fired += " (not as meant)"
    return (m.id, m.what, m.source, f"{hit}/{len(row.trials)}", fired, claim(row), largest(row))


def _harmless(row: Row) -> tuple[str, ...]:
    return (row.mutant.id, row.mutant.what, first_fired(row) or "quiet", largest(row))


def _dropped(row: Row) -> tuple[str, ...]:
    return (row.mutant.id, row.mutant.what, next(t.why_not for t in row.trials if not t.silent))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
