"""Claim files as YAML: what hurts in YAML is refused, with file and line."""

import re

import pytest

from ledger.errors import RegistrationError
from ledger.yamlfile import MAX_BYTES, read_yaml

BOMB = "a: &a [x, x]\n" + "".join(
    f"{c}: &{c} [{', '.join('*' + p for _ in range(9))}]\n" for p, c in zip("abcdefghi", "bcdefghij", strict=True)
)


def written(folder, text):
    path = folder / "paper.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


REFUSED = {
    "alias": ("a: &x 1\nb: *x\n", "paper.yaml:1", "alias"),
    "billion laughs": (BOMB, "paper.yaml:1", "alias"),
    "recursive alias": ("a: &x [*x]\n", "paper.yaml:1", "alias"),
    "merge key": ("a: {k: 1}\nb:\n  <<: {k: 2}\n", "paper.yaml:3", "merge keys"),
    "python tag": ("a: 1\nb: !!python/object/apply:os.system ['true']\n", "paper.yaml:2", "python/object/apply"),
    "python name": ("a: !!python/name:os.system\n", "paper.yaml:1", "python/name"),
    "own tag": ("a: !secret x\n", "paper.yaml:1", "!secret"),
    "tab": ("a:\n\tb: 1\n", "paper.yaml:2", "cannot start any token"),
    "key twice": ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "paper.yaml:5", "b.c: this key occurs twice"),
    "unclosed": ("a: [1, 2\nb: 3\n", "paper.yaml:2", "expected"),
    "two documents": ("a: 1\n---\nb: 2\n", "paper.yaml:2", "another document"),
    "control character": ("a: 'x\x07y'\n", "paper.yaml", "not YAML"),
    "key of a list": ("? [a, b]\n: 1\n", "paper.yaml:1", "quote it"),
    "number as key": ("a:\n  1: x\n", "paper.yaml:2", "a.1: YAML does not read this key as text"),
    "on as key": ("a:\n  on: x\n", "paper.yaml:2", "a.on: YAML does not read this key as text"),
    "exponent without a dot": ("a: {k: 1e-3}\n", "paper.yaml:1", "a.k: YAML 1.1 reads 1e-3 as str"),
    "no": ("a:\n  k: no\n", "paper.yaml:2", "a.k: YAML 1.1 reads no as bool"),
    "On in a list": ("a:\n- 1\n- On\n", "paper.yaml:3", "a.1: YAML 1.1 reads On as bool"),
    "octal": ("a: 010\n", "paper.yaml:1", "a: YAML 1.1 reads 010 as int"),
    "minutes": ("a: 12:30\n", "paper.yaml:1", "a: YAML 1.1 reads 12:30 as int"),
    "underscore": ("a: 1_000\n", "paper.yaml:1", "a: YAML 1.1 reads 1_000 as int"),
    "date": ("a: 2026-01-01\n", "paper.yaml:1", "a: YAML 1.1 reads 2026-01-01 as timestamp"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_hurts_is_refused(tmp_path, case):
    text, where, words = REFUSED[case]
    with pytest.raises(RegistrationError, match=re.escape(words)) as caught:
        read_yaml(written(tmp_path, text))
    assert str(caught.value).startswith(f"{where}:")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
@pytest.mark.parametrize("depth", [60, 3_000, 400_000])
def test_deep_nesting_is_refused_and_not_died_of(tmp_path, opening, depth):
    with pytest.raises(RegistrationError, match="nested too deeply"):
        read_yaml(written(tmp_path, opening * depth))


def test_not_utf_8(tmp_path):
    with pytest.raises(RegistrationError, match=r"paper\.yaml: not UTF-8 \(byte 4\)"):
        read_yaml(written(tmp_path, b"a: '\xff'\n"))


def test_too_large(tmp_path):
    assert read_yaml(written(tmp_path, "#" * MAX_BYTES)).data is None
    with pytest.raises(RegistrationError, match="2,000,001 bytes"):
        read_yaml(written(tmp_path, "#" * (MAX_BYTES + 1)))


def test_unreadable(tmp_path):
    with pytest.raises(RegistrationError, match="cannot be read"):
        read_yaml(tmp_path / "missing.yaml")
    with pytest.raises(RegistrationError, match="cannot be read"):
        read_yaml(tmp_path)


@pytest.mark.parametrize("text", ["", "# nothing but words\n", "---\n"])
def test_an_empty_file_has_no_data(tmp_path, text):
    assert read_yaml(written(tmp_path, text)).data is None


def test_values_that_everybody_reads_alike(tmp_path):
    text = "a: [true, False, null, ~, 10, -3, 0, 0.5, 1.0e-3, -2.5E+4, .5, '1e-3', 'no', \"010\", 1e3 apples, v1.2]\n"
    expected = [
        True,
        False,
        None,
        None,
        10,
        -3,
        0,
        0.5,
        0.001,
        -25000.0,
        0.5,
        "1e-3",
        "no",
        "010",
        "1e3 apples",
        "v1.2",
    ]
    assert read_yaml(written(tmp_path, text)).data == {"a": expected}


def test_every_key_knows_its_line(tmp_path):
    file = read_yaml(written(tmp_path, "# words\na:\n  b:\n  - x\n  - {c: 1}\n\nd: 2\n"))
    assert {key: file.lines[key] for key in file.lines if key} == {
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "b", 0): 4,
        ("a", "b", 1): 5,
        ("a", "b", 1, "c"): 5,
        ("d",): 7,
    }
    assert file.where(("a", "b", 1, "not there")) == "paper.yaml:5"
    assert file.where(("nowhere",)) == "paper.yaml:2"
