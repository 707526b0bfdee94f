# SPDX-License-Identifier: GPL-2.0
"""kvmw bench record and report: made recordings to measure with, and how fast they are read."""
import pytest

from synthetic import kvmw, report

ROWS = 70_000       # two frames


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "made.kvmw"
    done = kvmw("bench", "record", "--rows", ROWS, "-o", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return path


def test_it_is_a_whole_recording(made):
    rep = report(made)
    assert rep["total"]["count"] == rep["recorded"] == ROWS and rep["total"]["exact"]
    assert {row["vcpu"] for row in report(made, "--sort", "vcpu")["rows"]} == {0, 1, 2, 3}
    assert "unknown" not in kvmw("report", "-i", made).stdout


def test_a_seed_means_rows(made, tmp_path):
    for seed, same in (1, True), (2, False):
        path = tmp_path / f"{seed}.kvmw"
        assert kvmw("bench", "record", "--rows", ROWS, "--seed", seed, "-o", path).returncode == 0
        assert (path.read_bytes() == made.read_bytes()) == same


def test_an_old_recording_is_kept(tmp_path):
    for rows in 10, 20:
        assert kvmw("bench", "record", "--rows", rows, cwd=tmp_path).returncode == 0
    assert [report(tmp_path / name)["recorded"] for name in ("kvmw.data", "kvmw.data.old")] == [20, 10]


def test_report_measures(made, tmp_path):
    done = kvmw("bench", "report", "--times", 1, made)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{ROWS} events" in done.stdout and "kvmw report --sort reason " in done.stdout
    done = kvmw("bench", "report", tmp_path / "none")
    assert done.returncode == 1 and "none" in done.stderr


@pytest.mark.parametrize("args, words", [
    (["record", "--rows", 0], ["--rows '0'"]), (["record", "more"], ["'more'", "-o"]), (["report"], ["FILE"]),
    (["report", "a", "b"], ["'b'"]), (["report", "--times", "x", "a"], ["--times 'x'"])])
def test_wrong_usage(args, words):
    done = kvmw("bench", *args)
    assert done.returncode == 2 and all(word in done.stderr for word in words), done.stderr
