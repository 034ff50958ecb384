"""Per-unit scores beside a run."""

import gzip

import pytest

from ledger.errors import LedgerError
from ledger.scores import ScoresWriter, read_scores

STORED = {
    f"digest-{i}": {"design": "mean", "options": {}, "units": [], "arms": [{"values": [i / 3]}]} for i in range(3)
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "r1.scores.jsonl.gz"


def written(path, order=tuple(STORED), *, sealed=False):
    path.unlink(missing_ok=True)
    writer = ScoresWriter(path)
    for name in order:
        writer.add(name, STORED[name])
    if sealed:
        writer.seal()
    return path


@pytest.mark.parametrize("sealed", [False, True])
def test_scores_come_back_exactly(path, sealed):
    assert dict(read_scores(written(path, sealed=sealed))) == STORED


def test_sealed_scores_are_the_same_bytes_for_any_order(path):
    first = written(path, sealed=True).read_bytes()
    assert written(path, tuple(reversed(STORED)), sealed=True).read_bytes() == first
    assert first[4:8] == bytes(4)  # no time of writing in the gzip header
    assert len(first) < len(written(path).read_bytes())
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_digest_is_kept_once(path):
    writer = ScoresWriter(path)
    for _ in range(3):
        writer.add("digest-0", STORED["digest-0"])
    assert len(gzip.decompress(path.read_bytes()).splitlines()) == 1


def test_a_run_without_scores_has_no_file(path):
    ScoresWriter(path).seal()
    assert not path.exists()
    with pytest.raises(LedgerError, match="missing; a run keeps its per-unit scores beside it"):
        list(read_scores(path))


def test_a_tail_torn_at_any_byte_leaves_what_was_finished(path):
    whole = written(path).read_bytes()
    finished = len(written(path, ("digest-0", "digest-1")).read_bytes())
    for cut in range(finished, len(whole)):
        path.write_bytes(whole[:cut])
        found = dict(read_scores(path))
        assert found in (STORED, {k: STORED[k] for k in ("digest-0", "digest-1")}), cut


NO_SCORES = {
    "not JSON": b"{,}\n",
    "a list": b"[1]\n",
    "a text": b'"text"\n',
    "a number": b"3\n",
    "no digest": b'{"design": "mean"}\n',
    "deep nesting": b"[" * 100_000 + b"\n",
    "not UTF-8": b"\xff\xfe{}\n",
    "a second line torn": b'{"data": "d"}\n{',
}


@pytest.mark.parametrize("case", NO_SCORES)
@pytest.mark.parametrize("packed", [True, False])
def test_what_is_no_scores_file(path, case, packed):
    path.write_bytes(gzip.compress(NO_SCORES[case]) if packed else NO_SCORES[case])
    with pytest.raises(LedgerError, match=r"scores\.jsonl\.gz"):
        list(read_scores(path))


def test_a_flipped_byte_is_not_read_as_scores(path):
    """Damage inside is an error, or loses lines; it never changes a score unnoticed by its digest."""
    whole = bytearray(written(path, sealed=True).read_bytes())
    whole[-6] ^= 0xFF  # in the checksum
    path.write_bytes(whole)
    with pytest.raises(LedgerError, match="CRC"):
        list(read_scores(path))
