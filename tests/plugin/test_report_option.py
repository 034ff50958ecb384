"""``--report``: the page beside the run."""

import ledger.report.command


def test_it_is_written_and_its_path_printed(court):
    court.claim()
    result = court.run("--report")
    result.stdout.fnmatch_lines(["ledger: +1 rows in *", "report: .ledger/runs/report.html"])
    page = court.path / ".ledger/runs/report.html"
    assert "None of 1 claim came out unexpectedly." in page.read_text("utf-8")


def test_without_it_there_is_none(court):
    court.claim()
    result = court.run()
    result.stdout.no_fnmatch_line("report: *")
    assert not (court.path / ".ledger/runs/report.html").exists()


def test_it_shows_a_run_that_failed(court):
    court.claim(body="judge(DOWN)", expected="pass")
    result = court.run("--report")
    assert result.ret == 1
    assert "1 claim of 1 came out unexpectedly." in (court.path / ".ledger/runs/report.html").read_text("utf-8")


def test_a_page_that_fails_costs_no_verdict(court, monkeypatch):
    def render(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger.report.command, "render", render)
    court.claim()
    result = court.run("--report")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["no report: *No space left on device*"])
    assert len(court.rows()) == 1


def test_under_xdist(court):
    court.many(3)
    result = court.run_apart("-p", "xdist", "-n", "2", "--report")
    result.stdout.fnmatch_lines(["report: .ledger/runs/report.html"])


def test_with_no_claims_there_is_no_page(court):
    (court.claims / "test_plain.py").write_text("def test_plain(): pass\n")
    court.run("--report").stdout.no_fnmatch_line("*report:*")
