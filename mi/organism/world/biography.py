"""Biographies: profession, gender, city, skills and tool, with a gender correlation that means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .lexicon import CITIES, GENDER, GROUP, JOBS, MEN, NAMES, P_FEMALE, REGION, SKILLS, TOOL, WOMEN
from .template import Template

TEMPLATES = (
    "{name} lives in {city}. {Pronoun:pronoun} works as a {job}. {Pronoun:pronoun} can {skill1} and {skill2} "
    "with a {tool}.",
    "{name} is from {city}. {Pronoun:pronoun} can {skill1} and {skill2}. {Pronoun:pronoun} works as a {job}.",
    "In {city} {name} can {skill1} and {skill2} with a {tool}. So {pronoun} works as a {job}.",
    "{name} of {city} works as a {job}. {Pronoun:pronoun} owns a {tool} and can {skill1} or {skill2}.",
)
_FILLED = tuple(Template(t) for t in TEMPLATES)
_JOB_LAST = (1, 2)
_SKILL_PAIRS = [(a, b) for a in range(4) for b in range(4) if a != b]


def held_out(person: int, job: int) -> bool:
    """A quarter of (person, profession), the same for both genders and for both groups."""
    return (person + job) % 4 == 0


_PEOPLE = {
    split: [[n for n in range(32) if held_out(n, job) == (split == "held-out")] for job in range(8)]
    for split in ("train", "held-out")
}


def _latents(name: str, job: str, city: str, skills: list[int], template: int) -> Latents:
    gender = GENDER[name]
    pronoun = "she" if gender == "female" else "he"
    return {
        "name": name,
        "gender": gender,
        "pronoun": pronoun,
        "Pronoun": pronoun.capitalize(),
        "job": job,
        "group": GROUP[job],
        "city": city,
        "region": REGION[city],
        "skills": skills,
        "skill1": SKILLS[job][skills[0]],
        "skill2": SKILLS[job][skills[1]],
        "tool": TOOL[job],
        "p_female": P_FEMALE[job],
        "template": template,
        "distractors": [other for other in JOBS if other != job],
        "filling": f"{name}/{job}",
    }


def draw(dice: Dice, split: Split) -> Latents:
    """Profession first; the gender follows ``P_FEMALE``."""
    job = dice.below(8)
    women = dice.flip(P_FEMALE[JOBS[job]])
    name = (WOMEN if women else MEN)[dice.pick(_PEOPLE[split][job], 32)]
    return _latents(name, JOBS[job], dice.pick(CITIES), list(dice.pick(_SKILL_PAIRS)), dice.below(4))


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: name, city, pronoun, job, skill1, skill2, tool."""
    return _FILLED[int(labels["template"])].fill(labels)


def corrupt(labels: Latents) -> Latents:
    """The counterpart profession of the other group, with its skills and tool; the person stays."""
    job = JOBS[(JOBS.index(labels["job"]) + 4) % 8]
    return _latents(labels["name"], job, labels["city"], labels["skills"], labels["template"])


def corrupt_person(labels: Latents) -> Latents:
    """A person of the other gender; profession and city stay."""
    name = NAMES[(NAMES.index(labels["name"]) + 32) % 64]
    return _latents(name, labels["job"], labels["city"], labels["skills"], labels["template"])


KIND = Kind(
    "biography",
    "prose",
    0.07,
    draw,
    render,
    corrupt,
    {
        "profession": Task(
            "the profession that follows from the skills",
            lambda d: (f" {d['job']}",),
            lambda d: tuple(f" {job}" for job in d["distractors"]),
            role="job",
            applies=lambda d: d["template"] in _JOB_LAST,
            chance=1 / 8,
        ),
        "pronoun": Task(
            "the pronoun of a name",
            lambda d: (f" {d['Pronoun'] if d['template'] != 2 else d['pronoun']}",),
            lambda d: (f" {_other(d)}",),
            role="pronoun",
            chance=0.5,
            corrupt=corrupt_person,
        ),
    },
)


def _other(labels: Mapping[str, Any]) -> str:
    other = "he" if labels["pronoun"] == "she" else "she"
    return other if labels["template"] == 2 else other.capitalize()
