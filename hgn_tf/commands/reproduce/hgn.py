"""hgn-reproduce hgn: trains rows of Tables 1 and 2 and of the convergence study, one JSON a run in --results.

Runs that are there are not repeated, one that was interrupted goes on. Then it writes docs/results.md and
docs/convergence.md from all the files in --results.

Examples:
  hgn-reproduce hgn --datasets=mass_spring --rows=hgn --steps=1500 --seeds=0,1,2
  hgn-reproduce hgn --rows=hgn,hgn_euler --seeds=0,1,2 --scheduler=HOST:8786
  hgn-reproduce hgn --report_only
"""

import pathlib

from absl import flags

from hgn_tf.commands.reproduce import pixels, sweep

flags.adopt_module_key_flags(sweep)
flags.adopt_module_key_flags(pixels)
flags.set_default(sweep.RESULTS, "results/hgn")
flags.set_default(pixels.ROWS, ["hgn"])
_DOCS = flags.DEFINE_string("docs", "docs", "Folder of results.md and convergence.md.")


def main(argv):
  del argv
  from hgn_tf.commands.reproduce import hgn_report  # slow: TensorFlow
  if not sweep.REPORT_ONLY.value:
    pixels.make_missing(sweep.RESULTS.value)
  for path in hgn_report.write(pathlib.Path(sweep.RESULTS.value), pathlib.Path(_DOCS.value)):
    print(f"Wrote {path}")
