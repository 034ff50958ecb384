import pytest

from ledger.errors import RegistrationError
from ledger.noise_floor import NOISE_FLOORS, noise_floor
from ledger.registry import load_report

YAML = """
report: r
claims:
  c:
    statement: Two probes are equally good.
    quantity: {quantity}
    unit: example
    design: paired
    within: {within}
    subjects: {{m: {{}}}}
"""


def claim(tmp_path, quantity, within):
    path = tmp_path / "r.yaml"
    path.write_text(YAML.format(quantity=quantity, within=within))
    return load_report(path).claims["r.c"][0]


def test_the_margin_is_the_one_known_for_the_quantity(tmp_path):
    bound = claim(tmp_path, "probe accuracy", "noise-floor").bound
    assert (bound.rule, bound.value) == ("within", NOISE_FLOORS["probe accuracy"].margin)


def test_a_stated_margin_stands(tmp_path):
    assert claim(tmp_path, "probe accuracy", 0.01).bound.value == 0.01


def test_an_unknown_quantity_has_no_default(tmp_path):
    with pytest.raises(RegistrationError, match=r"no noise floor is known for 'charm'.*State a margin"):
        claim(tmp_path, "charm", "noise-floor")


def test_another_word_is_refused(tmp_path):
    with pytest.raises(RegistrationError, match="within"):
        claim(tmp_path, "probe accuracy", "default")


def test_every_floor_has_a_source():
    for quantity, floor in NOISE_FLOORS.items():
        assert floor.margin == noise_floor(quantity, "here") > 0
        assert len(floor.source) > 10
