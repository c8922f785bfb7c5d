"""docs/sources.md: every identifier that models and published numbers cite was looked up."""

import re
from pathlib import Path

from mtorsim import targets

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "sources.md"


def test_every_identifier_is_listed_with_how_it_was_looked_up():
    cited = {one.doi for one in targets.load() if one.doi}
    for path in (ROOT / "models").rglob("*"):
        if path.suffix in (".ant", ".yaml"):
            text = path.read_text(encoding="utf-8")
            cited |= {
                one.rstrip(".") for one in re.findall(r"https://doi\.org/([^\s\"';,)]+)", text)
            }
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines()
            if line.startswith("| 10.")]  # fmt: skip
    listed = {row[0].removeprefix("| ") for row in rows}
    assert cited <= listed, cited - listed
    assert all(row[2].startswith(("abstract", "identity", "not reachable")) for row in rows)
