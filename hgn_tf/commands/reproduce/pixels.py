"""What hgn-reproduce hgn and law share: flags and runs."""

from absl import flags

from hgn_tf.commands.reproduce import sweep

ROWS = flags.DEFINE_list("rows", None, "Rows: names in ROWS of hgn_runs.py.")
DATASETS = flags.DEFINE_list("datasets", ["mass_spring", "pendulum", "two_body", "three_body"],
                             "TFDS datasets, such as mass_spring or mass_spring/clean.")
LIMIT = flags.DEFINE_integer("limit", 500, "Sequences of each split to measure on.", lower_bound=1)
WORKDIRS = flags.DEFINE_string("workdirs", "workdirs", "Folder of the runs: checkpoints and histories.")


def make_missing(results, minutes=None):
  """Makes the runs of the flags that the folder `results` does not hold, of so many minutes or of --steps.

  Raises:
    ValueError: an unknown row or dataset, or a run of that name that was made with other settings.
  """
  from hgn_tf.commands.reproduce import hgn_runs, one_run  # slow: TensorFlow
  results = sweep.folder(results)
  runs = [hgn_runs.Run(row, dataset, int(seed), sweep.STEPS.value, minutes)
          for seed in sweep.SEEDS.value for dataset in DATASETS.value for row in ROWS.value]
  sweep.make(hgn_runs.make, [
      (run, results, sweep.folder(WORKDIRS.value), sweep.DATA_DIR.value, LIMIT.value, sweep.threads())
      for run in runs if not one_run.is_done(results, run)], **sweep.where())
