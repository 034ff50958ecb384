"""LeftOut: bugs of the catalogue that are not re-enacted, and why. Every other one has a mutant."""

from __future__ import annotations

LEFT_OUT: dict[tuple[str, ...], str] = {
    ("A07",): "cached generation with ALiBi: no subject has ALiBi",
    (
        "B19",
        "I07",
        "I09",
        "I11",
        "I13",
        "I19",
    ): "scores of edges: circuits here are sets of latents, and no edge is scored",
    ("H06",): "negatives here are drawn from all silent windows: no neighbours by co-occurrence are looked for",
    ("G14",): "no few-shot prompts under chat templates",
    ("J01", "J03"): "estimators of the statistics: `make calibration` and the references in tests/mi look after them",
}


def every_id() -> set[str]:
    """All ids that are left out."""
    return {name for names in LEFT_OUT for name in names}
