"""hgn-reproduce hgn: trains rows of Tables 1 and 2 and of the convergence study, one JSON a run in --results.

Runs that are there are not repeated, one that was interrupted goes on. Then it writes docs/results.md and
docs/convergence.md from all the files in --results.

Examples:
  hgn-reproduce hgn --datasets=mass_spring --rows=hgn --steps=1500 --seeds=0,1,2
  hgn-reproduce hgn --report_only
"""

import os
import pathlib

from absl import flags

_ROWS = flags.DEFINE_list("rows", ["hgn"], "Rows: names in ROWS of hgn_runs.py.")
_DATASETS = flags.DEFINE_list("datasets", ["mass_spring", "pendulum", "two_body", "three_body"],
                              "TFDS datasets, such as mass_spring or mass_spring/clean.")
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Of weights, order and noise.")
_STEPS = flags.DEFINE_integer("steps", None, "Optimiser steps (default: the preset's).", lower_bound=1)
_LIMIT = flags.DEFINE_integer("limit", 500, "Sequences of each split to measure on.", lower_bound=1)
_RESULTS = flags.DEFINE_string("results", "results/hgn", "Folder of the JSON files.")
_WORKDIRS = flags.DEFINE_string("workdirs", "workdirs", "Folder of the runs: checkpoints and histories.")
_DOCS = flags.DEFINE_string("docs", "docs", "Folder of results.md and convergence.md.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS keeps its datasets.")
_THREADS = flags.DEFINE_integer("threads", None, "Threads of TensorFlow (default: one per core).", lower_bound=1)
_REPORT_ONLY = flags.DEFINE_bool("report_only", False, "Only write the pages.")


def main(argv):
  del argv
  if _THREADS.value:
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS.value)
  from hgn_tf.commands.reproduce import hgn_report, hgn_runs  # slow: TensorFlow
  from hgn_tf.networks import precision
  results = pathlib.Path(_RESULTS.value)
  if not _REPORT_ONLY.value:
    threads = _THREADS.value or len(os.sched_getaffinity(0))
    machine = f"{threads} CPU thread{'s' if threads > 1 else ''}, {precision.vector_instructions()}"
    runs = [hgn_runs.Run(row, dataset, int(seed), _STEPS.value)
            for seed in _SEEDS.value for dataset in _DATASETS.value for row in _ROWS.value]
    for run in runs:
      if not hgn_runs.is_done(results, run):
        splits = hgn_runs.perform(run, results, _WORKDIRS.value, data_dir=_DATA_DIR.value, limit=_LIMIT.value,
                                  machine=machine)
        print(f"{run.name}: test MSE x1e4 {1e4 * splits['test']['mse']:.2f}, relative excess "
              f"{splits['test']['relative_excess']:.3f}", flush=True)
  for path in hgn_report.write(results, pathlib.Path(_DOCS.value)):
    print(f"Wrote {path}")
