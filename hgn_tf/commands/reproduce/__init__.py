"""hgn-reproduce WHAT: runs the experiments behind a page of docs/ and writes the page; goes on after an interruption.

Example:
  hgn-reproduce hnn --tasks=mass_spring,pendulum
"""

import importlib
import sys

from hgn_tf.commands import cli

# Name -> module with a `main(argv)` and, in its first line, what it does.
COMMANDS = {
    "follow_up": "hgn_tf.commands.reproduce.follow_up",
    "hgn": "hgn_tf.commands.reproduce.hgn",
    "hnn": "hgn_tf.commands.reproduce.hnn",
    "law": "hgn_tf.commands.reproduce.law",
}


def run():
  """Console script."""
  if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
    name = sys.argv.pop(1)
    cli.run(importlib.import_module(COMMANDS[name]).main)
  elif sys.argv[1:] in ([], ["--help"], ["-h"]):
    print(__doc__.strip(), *(f"\n  {name}: hgn-reproduce {name} --help" for name in sorted(COMMANDS)))
  else:
    sys.exit(f"hgn-reproduce: error: unknown command {sys.argv[1]!r}; known: {', '.join(sorted(COMMANDS))}")
