"""hgn-reproduce hgn: trains rows of Tables 1 and 2 and of the convergence study, one JSON a run in --results.

Runs that are there are not repeated, one that was interrupted goes on. Then it writes docs/results.md and
docs/convergence.md from all the files in --results.

Examples:
  hgn-reproduce hgn --datasets=mass_spring --rows=hgn --steps=1500 --seeds=0,1,2
  hgn-reproduce hgn --report_only
"""

import pathlib

from absl import flags

from hgn_tf.commands.reproduce import machine

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
  words = machine.use_threads(_THREADS.value)
  from hgn_tf.commands.reproduce import hgn_report, hgn_runs  # slow: TensorFlow
  results = pathlib.Path(_RESULTS.value)
  if not _REPORT_ONLY.value:
    hgn_runs.perform_missing(
        [hgn_runs.Run(row, dataset, int(seed), _STEPS.value)
         for seed in _SEEDS.value for dataset in _DATASETS.value for row in _ROWS.value],
        results, _WORKDIRS.value, data_dir=_DATA_DIR.value, limit=_LIMIT.value, machine=words)
  for path in hgn_report.write(results, pathlib.Path(_DOCS.value)):
    print(f"Wrote {path}")
