"""Memory and processes of a diagnosis: one quick measurement, and the page from made-up figures."""

from benchmarks import resources


def test_private_memory_is_watched_while_something_runs():
    held = []
    taken = resources._watched(lambda: held.append(b"x" * 2**27))  # zeros would take no memory until they are read
    assert taken.peak - taken.before > 2**26
    assert taken.seconds > 0


def test_the_page():
    limits = {4.0: resources.Taken(20, 2**30, 2**28)}
    jobs = {"network": {n: resources.Taken(60 / n, 0, 0) for n in (1, 2)}}
    text = resources.text(limits, jobs, "Python 3")
    assert "| 4 | 1,024 | 256 | 20 |" in text
    assert "| network | 2 | 30 | 2.00 |" in text
