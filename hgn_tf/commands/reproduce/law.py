"""hgn-reproduce law: trains compact HGNs, and rows with one thing changed; holds them to the physical limit.

Runs that are there are not repeated, one that was interrupted goes on; of each dataset it also measures how many pairs
its films need (extra "check"). Then it writes docs/law.md from all the files in --results.

With --minutes, rows are trained for equal times instead, as the ablation has it; its files lie in a folder below.

Examples:
  hgn-reproduce law --datasets=two_body --steps=12000 --seeds=0,1,2
  hgn-reproduce law --datasets=pendulum,two_body --rows=hgn_compact,forward_only,hgn --minutes=2 --threads=1
  hgn-reproduce law --report_only
"""

import pathlib

from absl import flags

from hgn_tf.commands.reproduce import minutes, pixels, sweep

flags.adopt_module_key_flags(sweep)
flags.adopt_module_key_flags(pixels)
flags.adopt_module_key_flags(minutes)
flags.set_default(sweep.RESULTS, "results/law")
flags.set_default(pixels.ROWS, ["hgn_compact"])
_DOC = flags.DEFINE_string("doc", "docs/law.md", "Page to write.")


def main(argv):
  del argv
  from hgn_tf.commands.reproduce import law_report  # slow: TensorFlow
  results = pathlib.Path(sweep.RESULTS.value)
  if not sweep.REPORT_ONLY.value:
    law_report.measure_limits(results, pixels.DATASETS.value)
    timed = minutes.MINUTES.value if sweep.STEPS.value is None else None
    pixels.make_missing(results / law_report.ABLATION if timed else results, timed)
    # After the runs, which set TensorFlow's threads: only a process that has not used it yet can.
    law_report.measure_sizes(results, pixels.DATASETS.value, sweep.DATA_DIR.value)
  print(f"Wrote {law_report.write(results, pathlib.Path(_DOC.value))}")
