"""docs/faults.md names tests that exist."""

import pathlib
import re

_ROOT = pathlib.Path(__file__).parents[2]


def test_every_row_names_its_tests():
  rows = [line for line in (_ROOT / "docs" / "faults.md").read_text().splitlines() if line.startswith("| ")][2:]
  assert len(rows) > 15
  for row in rows:
    found = re.findall(r"`(tests/[\w/.]+|test_\w+)`", row.rsplit("|", 2)[1])
    assert len(found) > 1, row
    for name in found:
      if name.startswith("tests/"):
        source = (_ROOT / name).read_text()
      else:
        assert f"def {name}(" in source, name
