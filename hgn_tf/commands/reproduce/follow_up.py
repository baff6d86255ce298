"""hgn-reproduce follow_up: HGN, HGN++, compact HGN, LatentODE and LatentRNN, in equal time, by the follow-up's metrics.

Each row is trained for --minutes of one core on each dataset: a few of its steps are timed, and its steps follow from
that; a run keeps the time of a step beside its figures. Runs that are there are not repeated, one that was interrupted
goes on. Then docs/follow_up.md is written from all the files in --results.

Examples:
  tfds build double_pendulum --config=suite --max_examples_per_split=6000 --imports=tfds_builders
  hgn-reproduce follow_up --datasets=double_pendulum/suite --rows=hgn_compact --minutes=20
  hgn-reproduce follow_up --report_only
"""

import pathlib

from absl import flags

from hgn_tf.commands.reproduce import minutes, pixels, sweep

flags.adopt_module_key_flags(sweep)
flags.adopt_module_key_flags(pixels)
flags.adopt_module_key_flags(minutes)
flags.set_default(sweep.RESULTS, "results/follow_up")
flags.set_default(pixels.ROWS, ["hgn", "hgn_plus_plus", "hgn_compact", "latent_ode", "latent_rnn"])
flags.set_default(pixels.DATASETS, [f"{system}/suite" for system in (
    "mass_spring", "pendulum", "double_pendulum", "two_body")])
flags.set_default(pixels.LIMIT, 200)
flags.set_default(sweep.THREADS, 1)
flags.set_default(minutes.MINUTES, 20.0)
_DOC = flags.DEFINE_string("doc", "docs/follow_up.md", "Page to write; its pictures lie in a folder beside it.")


def main(argv):
  del argv
  from hgn_tf.commands.reproduce import follow_up_report, follow_up_runs, one_run  # slow: TensorFlow
  results = sweep.folder(sweep.RESULTS.value)
  if not sweep.REPORT_ONLY.value:
    runs = [follow_up_runs.Run(row, dataset, int(seed), sweep.STEPS.value, minutes.MINUTES.value)
            for seed in sweep.SEEDS.value for dataset in pixels.DATASETS.value for row in pixels.ROWS.value]
    sweep.make(follow_up_runs.make, [
        (run, results, sweep.folder(pixels.WORKDIRS.value), sweep.DATA_DIR.value, pixels.LIMIT.value, sweep.threads())
        for run in runs if not one_run.is_done(results, run)], **sweep.where())
  print(f"Wrote {follow_up_report.write(results, pathlib.Path(_DOC.value))}")
