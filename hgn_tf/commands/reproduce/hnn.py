"""hgn-reproduce hnn: the HNN repository's tasks, one JSON a run in --results, then --doc with its tables and figures.

Examples:
  hgn-reproduce hnn
  hgn-reproduce hnn --tasks=mass_spring --models=hnn --seeds=0 --steps=100 --results=/tmp/try --doc=/tmp/try/hnn.md
"""

import os
import pathlib

from absl import flags

from hgn_tf.commands.reproduce import sweep

flags.adopt_module_key_flags(sweep)
flags.set_default(sweep.RESULTS, "results/hnn")
flags.set_default(sweep.SEEDS, ["0", "1", "2"])
flags.set_default(sweep.JOBS, len(os.sched_getaffinity(0)))
_TASKS = flags.DEFINE_list("tasks", None, "Tasks (default: all).")
_MODELS = flags.DEFINE_list("models", None, "Models (default: those of each task in the tables).")
_DOC = flags.DEFINE_string("doc", "docs/hnn.md", "Page to write; its pictures go into a folder of its name.")


def main(argv):
  del argv
  from hgn_tf.commands.reproduce import hnn_report, hnn_tasks  # slow: TensorFlow
  results = sweep.folder(sweep.RESULTS.value)
  if not sweep.REPORT_ONLY.value:
    changes = {} if sweep.STEPS.value is None else {"steps": sweep.STEPS.value}
    seeds = [int(seed) for seed in sweep.SEEDS.value]
    groups = hnn_tasks.missing(results, _TASKS.value or hnn_tasks.TASKS, _MODELS.value, seeds, changes)
    sweep.make(hnn_tasks.make, [(group, results, sweep.DATA_DIR.value, sweep.threads())
                                for group in groups], **sweep.where())
  hnn_report.write(results, pathlib.Path(_DOC.value))
  print(f"Wrote {_DOC.value}")
