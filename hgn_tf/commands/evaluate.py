"""hgn-evaluate: measures a trained HGN or PixelHNN on whole splits and writes figures, plots, GIFs and a report.

Example:
  hgn-evaluate --workdir=/tmp/run
"""

import pathlib

from absl import flags

from hgn_tf.commands import cli

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a run of hgn-train.")
_PRETRAINED = flags.DEFINE_string("pretrained", None, "Or the name of a trained model that comes with hgn_tf.")
_DATASET = flags.DEFINE_string("dataset", None, "TFDS dataset (default: the one the model was trained on).")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS keeps its datasets (default: the run's).")
_OUT = flags.DEFINE_string("out", None, "Folder to write (default: WORKDIR/evaluation).")
_SPLITS = flags.DEFINE_list("splits", ["train", "test"], "Splits to evaluate.")
_LIMIT = flags.DEFINE_integer("limit", None, "Sequences of each split (default: all).", lower_bound=1)


def main(argv):
  del argv
  from hgn_tf.evaluation import plots, report  # slow: TensorFlow
  from hgn_tf.evaluation.evaluate import evaluate, table
  model, dataset, data_dir, out = _target()
  figures = evaluate(model, dataset, out, splits=_SPLITS.value, limit=_LIMIT.value, data_dir=data_dir)
  print(report.markdown_table(*table(figures)))
  if not plots.available():
    print("No pictures: they need pip install 'hgn_tf[plot]'.")
  print(f"Report: {pathlib.Path(out).resolve() / 'report.html'}")


def _target():
  """(model, dataset, data_dir, out) of the flags."""
  if bool(_WORKDIR.value) == bool(_PRETRAINED.value):
    raise ValueError("give one of --workdir and --pretrained.")
  from hgn_tf import pretrained  # slow: TensorFlow
  from hgn_tf.training.workdir import Workdir
  if _WORKDIR.value:
    workdir = Workdir(_WORKDIR.value)
    print(f"Evaluating the checkpoint of step {workdir.latest_step()} in {workdir.path}", flush=True)
    return (workdir.load_model(), _DATASET.value or workdir.dataset, _DATA_DIR.value or workdir.data_dir,
            _OUT.value or workdir.path / "evaluation")
  name = _PRETRAINED.value
  return (pretrained.load_pretrained(name), _DATASET.value or pretrained.card(name)["dataset"], _DATA_DIR.value,
          _OUT.value or f"{name}_evaluation")


def run():
  """Console script."""
  cli.run(main)


if __name__ == "__main__":
  run()
