"""Figures as files."""

import csv
import sys
from xml.etree.ElementTree import fromstring

import pytest
from figure_samples import cross_files, sweep_files

from ledger.cli import main
from ledger.figures import standalone
from ledger.figures.found import figures_of
from ledger.figures.standalone import light_style
from ledger.report import palette
from ledger.report.palette import tokens
from ledger.run import read_run

SVG = "{http://www.w3.org/2000/svg}"
RUN = "2026-11-20T120000Z-aaaaaa"


@pytest.fixture
def run_file(tmp_path, shelf, naming, write_run):
    builds = {"mi.steering.sweep:sweep": sweep_files(), "mi.metrics.cross_domain:cross_domain": cross_files()}
    rows = [naming(shelf.put(b, files), name=f"r{i}") for i, (b, files) in enumerate(builds.items())]
    return write_run(tmp_path / ".ledger/runs", RUN, [(row, None) for row in rows])


@pytest.fixture
def command(tmp_path, run_file, capsys, monkeypatch):
    """``command(*argv)`` exports from a run with two figures: ``(status, out, err)``."""
    monkeypatch.delenv("MI_ASSAY_STORE", raising=False)

    def run(*argv):
        status = main(["--root", str(tmp_path), "figures", *argv])
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize("extra", [True, False])
def test_all_formats_by_default_png_with_its_extra(command, tmp_path, monkeypatch, extra):
    if extra:
        pytest.importorskip("resvg_py")
    else:
        monkeypatch.setitem(sys.modules, "resvg_py", None)
    status, out, err = command("-o", str(tmp_path / "out"))
    assert status == 0
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert [n.rpartition(".")[2] for n in names] == (["csv", "png", "svg"] if extra else ["csv", "svg"]) * 2
    assert sorted(out.split()) == [str(tmp_path / "out" / n) for n in names]
    assert "ledger: reconstruction: no row of this run rests on such an artifact" in err


def test_files_are_the_same_bytes_again(command, tmp_path):
    for folder in ("a", "b"):
        assert command("-o", str(tmp_path / folder), "--format", "svg,png,csv")[0] == 0
    for one in (tmp_path / "a").iterdir():
        assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes()
        assert str(tmp_path).encode() not in one.read_bytes()


def test_an_svg_stands_alone_in_light_colours(command, tmp_path):
    command("-o", str(tmp_path / "out"), "--format", "svg")
    for path in (tmp_path / "out").iterdir():
        root = fromstring(path.read_text("utf-8"))
        assert root.tag == f"{SVG}svg"
        style = root.find(f"{SVG}style").text
        assert "var(" not in style
        assert "light-dark" not in style
        assert f".axis {{ stroke: {tokens()['line']};" in style
        assert root.find(f"{SVG}rect").get("fill") == "#FFFFFF"
        assert root.get("role") == "img"


def test_light_colours_come_from_the_tokens_of_the_page(monkeypatch, tmp_path):
    for name, text in {
        "tokens.css": "/* :root { --fg: red; } */ :root { --fg: light-dark(#111111, #EEEEEE); --dash-1: 7 3; } :root { --fg: no; }",
        "figures.css": "/* x */ .chart text { fill: var(--fg); stroke-dasharray: var(--dash-1); }\n",
    }.items():
        (tmp_path / name).write_text(text)
    for module in (standalone, palette):
        monkeypatch.setattr(module, "ASSETS", tmp_path)
    tokens.cache_clear(), light_style.cache_clear()
    try:
        assert light_style() == " .chart text { fill: #111111; stroke-dasharray: 7 3; }"
        (tmp_path / "figures.css").write_text(".a { fill: var(--gone); }")
        light_style.cache_clear()
        with pytest.raises(standalone.LedgerError, match=r"uses --gone, which tokens\.css does not define"):
            light_style()
    finally:
        tokens.cache_clear(), light_style.cache_clear()


def test_classes_of_drawings_are_in_the_style_sheet(run_file, shelf, naming):
    figures = figures_of(read_run(run_file), shelf.root).figures
    used = {c for f in figures for e in f.svg.iter() for c in e.get("class", "").split()}
    known = light_style()
    # these only name what they are, or are told apart by another class
    named = {"line-label", "any", "matched", "ceiling"}
    assert {c for c in used - named if f".{c}" not in known} == set()


def test_png_is_the_drawing_at_twice_its_size(command, tmp_path):
    pytest.importorskip("resvg_py")
    assert command("-o", str(tmp_path / "out"), "--format", "png", "--only", "cross-domain-*")[0] == 0
    (path,) = (tmp_path / "out").iterdir()
    raw = path.read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(raw[16:20], "big") == 2 * 680
    assert len(raw) > 10_000


def test_png_without_its_extra_says_what_to_install(command, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    status, _, err = command("-o", str(tmp_path / "out"), "--format", "svg,png")
    assert status == 2
    assert 'pip install "mi-assay[figures]"' in err
    assert not (tmp_path / "out").exists()
    assert command("-o", str(tmp_path / "out"), "--format", "svg,csv")[0] == 0


def test_csv_has_the_numbers_of_the_table(command, tmp_path, run_file, shelf):
    command("-o", str(tmp_path / "out"), "--format", "csv")
    for figure in figures_of(read_run(run_file), shelf.root).figures:
        with (tmp_path / "out" / f"{figure.id}.csv").open(newline="") as file:
            header, *lines = csv.reader(file)
        assert tuple(header) == figure.columns
        for line, row in zip(lines, figure.rows, strict=True):
            for cell, value in zip(line, row, strict=True):
                if isinstance(value, float):
                    assert float(cell) == value
                elif value is None:
                    assert cell == ""


def test_csv_runs_nothing(shelf, naming, tmp_path, write_run):
    sweep = sweep_files()
    for row in sweep["units.json"]["facts"]["sweep"]:
        if row["arm"] == "dom":
            row["arm"] = "=HYPERLINK(1)"
    facts = sweep["units.json"]["facts"]
    facts["arms"]["=HYPERLINK(1)"] = facts["arms"].pop("dom")
    columns = sweep["units.json"]["columns"]
    columns["=HYPERLINK(1)_success"] = columns.pop("dom_success")
    row = naming(shelf.put("mi.steering.sweep:sweep", sweep))
    write_run(tmp_path / ".ledger/runs", RUN, [(row, None)])
    main(["--root", str(tmp_path), "figures", "-o", str(tmp_path), "--format", "csv", "--store", str(shelf.root)])
    (path,) = tmp_path.glob("*.csv")
    cells = [c for line in csv.reader(path.read_text().splitlines()) for c in line]
    assert "'=HYPERLINK(1)" in cells
    assert not any(c.startswith("=") for c in cells)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--format", "pdf"], "--format pdf: expected some of svg, png, csv"),
        (["--format", ""], "expected some of svg, png, csv"),
        (["--only", "latent-*"], "matches no figure of run"),
    ],
)
def test_bad_input_says_what_is_expected(command, tmp_path, argv, words):
    status, out, err = command("-o", str(tmp_path / "out"), *argv)
    assert (status, out) == (2, "")
    assert words in err
    assert not (tmp_path / "out").exists()


def test_the_store_can_be_named(command, shelf, tmp_path):
    shelf.root.rename(tmp_path / "moved")
    assert command("-o", str(tmp_path / "a"))[1] == ""
    assert command("-o", str(tmp_path / "a"), "--store", str(tmp_path / "moved"))[1] != ""
