"""Rows of the tables small enough for tests, in whatever process makes them."""

import tiny

from hgn_tf.commands.reproduce import hgn_runs

ROWS = {"hgn": ("hgn", {key: value for key, value in tiny.FIELDS.items() if key != "steps"})}
_make = hgn_runs.make


def make(*arguments):
  """`hgn_runs.make` with the small rows."""
  hgn_runs.ROWS.update(ROWS)
  return _make(*arguments)
