from pathlib import Path

import pytest

from tacit.cli.jobfile import check_job_file, load_job
from tacit.errors import MisuseError


@pytest.fixture
def job_file(tmp_path):
    def write(text: str, name: str = "job.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "def job():\n    return 1\n",
        "from elsewhere import job\n",
        "import work as job\n",
        "def main(): return 1\njob = main\n",
        "def job(batch=3, *, more=1): return batch\n",
        "if True:\n    def job(): return 1\n",
        'import tacit\ndef job(): return 1\nif __name__ == "__main__":\n    tacit.run(job, ["a", "b"])\n',
        "import tacit\ndef all(): return tacit.run(job, ['a', 'b'])\ndef job(): return 1\n",
    ],
)
def test_job_files(job_file, text):
    check_job_file(job_file(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\n", "does not define job"),
        ("def job(x): pass\n", ":1: job.. has parameters"),
        ("def job(*, x): pass\n", "has parameters"),
        ("def job(:\n", ":1 is not valid Python"),
        ("import tacit\ndef job(): pass\nprint(tacit.run(job, ['a', 'b']))\n", ":3 calls tacit.run"),
    ],
)
def test_what_is_no_job_file(job_file, text, says):
    with pytest.raises(MisuseError, match=says):
        check_job_file(job_file(text))


def test_a_missing_file_and_a_file_of_another_kind(tmp_path, job_file):
    with pytest.raises(MisuseError, match="no file"):
        check_job_file(tmp_path / "nothing.py")
    with pytest.raises(MisuseError, match=r"end in \.py"):
        check_job_file(job_file("def job(): pass\n", "job.txt"))
    with pytest.raises(MisuseError, match="cannot read"):
        check_job_file(tmp_path)


def test_a_job_finds_the_files_beside_it_and_is_not_main(job_file, monkeypatch):
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    job_file("VALUE = 41\n", "tacit_test_neighbour.py")
    job = load_job(job_file("from tacit_test_neighbour import VALUE\ndef job(): return VALUE + 1, __name__\n"))
    assert job() == (42, "tacit_job_job")


def test_a_job_that_the_check_could_not_see_is_missing(job_file):
    with pytest.raises(MisuseError, match="does not define job"):
        load_job(job_file("from math import *\n"))


def test_a_job_changed_within_a_second_is_the_changed_one(job_file):
    for number in (10, 11, 12):
        assert load_job(job_file(f"def job():\n    return {number}\n"))() == number
