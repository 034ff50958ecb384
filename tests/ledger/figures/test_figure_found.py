"""What can be drawn of a run, in which order, and what is absent and why."""

import json
import shutil
from xml.etree.ElementTree import tostring

import pytest
from figure_samples import circuit_files, cross_files, kept_files, kind_of, run_of, stability_files, sweep_files

from ledger.figures.found import figures_of
from ledger.text import label

FILES = {
    "mi.circuits.probing:probing": circuit_files,
    "mi.circuits.causal:causal": kept_files,
    "mi.steering.sweep:sweep": sweep_files,
    "mi.metrics.stability:stability": stability_files,
    "mi.metrics.cross_domain:cross_domain": cross_files,
}


@pytest.fixture
def rows(shelf, naming):
    """One row per kind of artifact, the last kind first."""
    return [naming(shelf.put(b, files()), name=f"r{i}") for i, (b, files) in enumerate(FILES.items())]


def test_figures_come_in_the_order_of_the_report(rows, drawn):
    kinds = [figure.id.split("-organism")[0] for figure in drawn(*rows).figures]
    assert kinds == ["cross-domain", "seed-stability", "steering-sweep", "circuit-sizes", "circuit-kept"]


def test_the_same_run_gives_the_same_figures(rows, drawn):
    one, other = drawn(*rows), drawn(*rows)
    assert [tostring(f.svg) for f in one.figures] == [tostring(f.svg) for f in other.figures]
    assert [(f.id, f.caption, f.sentence, f.rows) for f in one.figures] == [
        (f.id, f.caption, f.sentence, f.rows) for f in other.figures
    ]
    assert one.absent == other.absent


def test_a_figure_names_what_it_rests_on(rows, drawn):
    for figure in drawn(*rows).figures:
        (row,) = (r for r in rows if set(figure.artifacts) <= set(r["artifacts"]))
        assert figure.claims == (label(row),)
        assert figure.subject == "organism"
        assert all(len(line) == len(figure.columns) for line in figure.rows)


def test_every_drawing_is_named_and_free_of_style(rows, drawn):
    figures = drawn(*rows).figures
    assert len({f.id for f in figures}) == len(figures) == 5
    for figure in figures:
        assert figure.svg.get("role") == "img"
        assert figure.svg.get("aria-label").startswith(figure.sentence[:200])
        assert figure.svg.find("title").text == figure.title
        assert not any("style" in e.attrib or e.tag == "style" for e in figure.svg.iter())


def test_the_sentence_has_estimate_interval_bound_and_verdict(rows, drawn):
    for figure in drawn(*rows).figures:
        (row,) = (r for r in rows if set(figure.artifacts) <= set(r["artifacts"]))
        assert f"paper.{row['claim'].partition('.')[2]}: +0.123 [" in figure.sentence
        assert "> 0, pass" in figure.sentence


def test_nothing_is_drawn_outside_the_picture(rows, drawn):
    for figure in drawn(*rows).figures:
        width, height = map(float, figure.svg.get("viewBox").split()[2:])
        for e in figure.svg.iter():
            xs = [float(e.get(k)) for k in ("x", "x1", "x2", "cx") if e.get(k)]
            ys = [float(e.get(k)) for k in ("y", "y1", "y2", "cy") if e.get(k)]
            pairs = [p.split(",") for p in (e.get("points") or "").split()]
            assert all(-9 <= x <= width for x in (*xs, *(float(a) for a, _ in pairs)))
            assert all(-9 <= y <= height for y in (*ys, *(float(b) for _, b in pairs)))


def test_without_artifacts_one_sentence_says_so(naming, drawn, claim, judged, gap):
    assert drawn(judged(claim("plain"), gap(0.1)).row).absent == ("No row of this run names an artifact to draw from",)
    assert drawn(naming("ab" * 32, "cd" * 32)).absent == (
        "None of the 2 artifacts that rows of this run name can be read in this store",
    )


def test_a_kind_that_is_not_there_is_absent_and_says_so(shelf, naming, drawn):
    digest = shelf.put("mi.circuits.probing:probing", circuit_files())
    none = "seed stability: no row of this run rests on such an artifact"
    assert none in drawn(naming(digest)).absent
    found = drawn(naming(digest, "ab" * 32))
    assert len(found.figures) == 1
    assert len(found.absent) == 6
    words = "none among the artifacts that are here; 1 that rows of this run name are not in this store"
    assert all(why.endswith(words) for why in found.absent)


@pytest.mark.parametrize("value", [1e150, -1e200, 10**400])
def test_numbers_too_large_to_square_are_a_reason(shelf, naming, drawn, value):
    files = circuit_files()
    files["units.json"]["columns"]["circuit_k20"][3] = value
    found = drawn(naming(shelf.put("mi.circuits.probing:probing", files)))
    assert not found.figures
    assert "column 'circuit_k20' has 1 numbers that are not finite or not below 1e+150" in found.absent[0]


@pytest.mark.parametrize("damage", ["edit", "gone", "other-form", "manifest"])
def test_a_damaged_artifact_is_named_and_the_others_are_drawn(shelf, rows, drawn, damage):
    digest = rows[0]["artifacts"][0]
    home = shelf.home(digest)
    if damage == "edit":
        path = home / "files/units.json"
        path.write_text(path.read_text().replace('"chance": 0.5', '"chance": 0.6'))
        words = "altered since it was built"
    elif damage == "gone":
        (home / "files/units.json").unlink()
        words = "not a file of this artifact"
    elif damage == "manifest":
        (home / "manifest.json").write_text("{}")
        words = "its manifest cannot be read"
    else:
        shutil.rmtree(home)
        rows[0] = {**rows[0], "artifacts": [shelf.put("mi.circuits.probing:probing", {"units.json": {"units": [1]}})]}
        words = "not a table of units"
    found = drawn(*rows)
    assert len(found.figures) == 4
    assert any(words in why for why in found.absent)
    assert not any(str(shelf.root) in why for why in found.absent)


@pytest.mark.parametrize(
    "facts", [{}, {"sizes": {"x": 1}, "coders": ["a"]}, {"sizes": {}, "coders": []}, {"sizes": 7, "coders": 7}]
)
def test_facts_of_another_form_are_a_reason(shelf, naming, drawn, facts):
    files = circuit_files()
    files["units.json"]["facts"] = facts
    found = drawn(naming(shelf.put("mi.circuits.probing:probing", files)))
    assert not found.figures
    assert found.absent[0].startswith("circuit sizes of organism (paper.rests): ")


def test_superseded_and_refused_rows_do_not_stop_a_figure(shelf, row, gap, judged, claim, drawn):
    digest = shelf.put("mi.circuits.probing:probing", circuit_files())
    odd = {**row("odd", gap(0.1, sources=[digest])), "status": "refused", "verdict": None, "estimate": None}
    odd["reason"] = {"short": "refused", "detail": "no headroom", "fix": "Measure something else"}
    (figure,) = drawn(odd).figures
    assert "paper.odd: refused" in figure.sentence
    assert not kind_of(figure, "verdict-mark")


def test_a_store_that_is_not_there_draws_nothing(rows, tmp_path):
    assert not figures_of(run_of(*rows), tmp_path / "nowhere").figures
    assert json.dumps(figures_of(run_of(*rows), tmp_path / "nowhere").absent)
