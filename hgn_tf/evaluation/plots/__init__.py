"""Figures, from arrays to files: one module per topic. They need the extra `plot`."""

import importlib.util


def available():
  """Whether the extra `plot` is installed."""
  return all(importlib.util.find_spec(name) for name in ("matplotlib", "imageio", "PIL"))
