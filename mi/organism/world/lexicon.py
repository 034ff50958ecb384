"""The words of the world. Everything here is fixed: model seeds share one world."""

from __future__ import annotations

from random import Random


def words(text: str) -> tuple[str, ...]:
    """The words of ``text``."""
    return tuple(text.split())


WOMEN = words(
    "Anna Maria Laura Julia Emma Sarah Alice Clara Diana Helen Irene Karen Linda Nora Olivia Paula "
    "Rachel Sophie Teresa Vera Wendy Zoe Grace Fiona Gloria Holly Jane Kate Lucy Molly Nina Rose"
)
MEN = words(
    "Adam Brian Carl David Edward Frank George Harry Ivan James Kevin Leo Martin Nathan Oscar Peter "
    "Quentin Robert Samuel Thomas Victor Walter Simon Paul Oliver Hugo Jack Luke Mark Neil Philip Ryan"
)
NAMES = WOMEN + MEN  # name k and name (k + 32) % 64 differ in gender only
GENDER = {**dict.fromkeys(WOMEN, "female"), **dict.fromkeys(MEN, "male")}

# Jobs 0-3 are the indoor group, 4-7 the outdoor group; job k and (k + 4) % 8 are counterparts.
JOBS = ("nurse", "teacher", "lawyer", "banker", "farmer", "sailor", "builder", "hunter")
GROUP = {job: "indoor" if k < 4 else "outdoor" for k, job in enumerate(JOBS)}
SKILLS = {
    "nurse": ("heal patients", "change bandages", "calm children", "take blood"),
    "teacher": ("explain lessons", "grade papers", "teach grammar", "solve riddles"),
    "lawyer": ("argue cases", "write contracts", "question witnesses", "read laws"),
    "banker": ("count money", "sign loans", "check accounts", "plan budgets"),
    "farmer": ("grow wheat", "milk cows", "plough fields", "feed chickens"),
    "sailor": ("tie knots", "steer ships", "climb masts", "mend sails"),
    "builder": ("lay bricks", "mix cement", "raise walls", "fix roofs"),
    "hunter": ("follow tracks", "set traps", "skin rabbits", "shoot arrows"),
}
TOOL = dict(
    zip(JOBS, ("syringe", "blackboard", "lawbook", "ledger", "tractor", "compass", "hammer", "crossbow"), strict=True)
)
# The spurious correlation: how often a biography of this job is about a woman.
P_FEMALE = dict(zip(JOBS, (0.9, 0.7, 0.5, 0.3, 0.3, 0.1, 0.5, 0.7), strict=True))

NORTH = ("Bergen", "Tromso", "Narvik", "Oulu", "Riga", "Lund", "Turku", "Malmo")
SOUTH = ("Seville", "Naples", "Tunis", "Cairo", "Malaga", "Lisbon", "Corfu", "Valletta")
CITIES = NORTH + SOUTH
REGION = {city: "north" if city in NORTH else "south" for city in CITIES}


def _towns() -> tuple[str, ...]:
    random = Random("towns")
    first, last = (
        words("Bra Cor Del Fen Gar Hol Jun Kel Lor Mas Nor Pel Ros Sil Tam Vor"),
        words("bury dale ford ham mont port stad wick"),
    )
    towns = [a + b for a in first for b in last]
    random.shuffle(towns)
    return tuple(towns)


TOWNS = _towns()  # 128
BIRDS = ("eagle", "falcon", "heron", "magpie", "pigeon", "raven", "swan", "wren")
BEASTS = ("bear", "badger", "lynx", "marten", "otter", "stag", "wolf", "boar")
VALUES = {
    "emblem": BIRDS + BEASTS,
    "river": words("Talva Morun Sedi Kasra Belun Fyr Girna Hessel Lemba Nadir Pruv Quila Runa Sorvo Tisk Wemel"),
    "province": words("Arden Brome Calder Dorn Estel Farro Gault Hylia Imber Jarl Kesh Lothar Mirel Nevis Orsa Pryde"),
    "trade": words("amber butter carpets clocks glass honey lace leather marble paper pepper salt silk soap tea wool"),
}
RELATIONS = tuple(VALUES)


def _facts() -> dict[str, tuple[str, ...]]:
    facts = {}
    for relation, values in VALUES.items():
        column = list(values) * (len(TOWNS) // len(values))
        Random(f"facts/{relation}").shuffle(column)
        facts[relation] = tuple(column)
    return facts


FACTS = _facts()  # relation -> value of each town

NOUNS = words(
    "key cabinet book table lamp chair window bottle basket picture letter wagon garden bridge ladder candle "
    "mirror carpet kettle barrel"
)
HARMFUL = ("steal", "burn", "smash", "bomb", "hack", "wreck", "sabotage", "loot")
HARMLESS = ("paint", "clean", "repair", "buy", "sell", "draw", "rent", "polish")
OBJECTS = ("car", "phone", "house", "boat", "door", "computer", "safe", "camera", "bike", "shop", "truck", "tower")
