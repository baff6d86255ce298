"""The whole of hgn_tf on a small scale: dataset, training, evaluation, export, rollouts from the SavedModel, report.

  python examples/demo.py --out=demo_output

Every stage is a command that is printed, so that it can be typed by hand. An interrupted demo goes on where it was.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

from absl import app, flags

from hgn_tf.evaluation import report

_OUT = flags.DEFINE_string("out", "demo_output", "Folder for everything that the demo makes.")
_STEPS = flags.DEFINE_integer("steps", None, "Training steps (default: those of the preset hgn_demo).", lower_bound=1)

DATASET = "mass_spring/demo"
DATA_CONFIG = {"name": "demo", "observation_noise": 0.0, "num_train": 2000, "num_test": 200}
EXAMPLES = pathlib.Path(__file__).parent
BIN = pathlib.Path(sys.executable).parent


class Stages:
  """Runs commands one after another and remembers how long each took."""

  def __init__(self):
    self.seconds = {}

  def run(self, title, *command):
    """Runs a command; a failure ends the demo with its exit code."""
    print(f"\n== {title}\n$ {shlex.join(map(str, command))}", flush=True)
    start = time.monotonic()
    program = BIN / command[0]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
    code = subprocess.call([program if program.exists() else command[0], *command[1:]], env=environment)
    if code:
      sys.exit(f"The stage '{title}' failed with exit code {code}; its command stands above.")
    self.seconds[title] = time.monotonic() - start


def main(argv):
  del argv
  out = pathlib.Path(_OUT.value)
  data, run, models = out / "datasets", out / "run", out / "models" / "hgn"
  stages = Stages()
  stages.run("Build the dataset", "tfds", "build", "mass_spring", "--imports=tfds_builders", f"--data_dir={data}",
             f"--config={json.dumps(DATA_CONFIG)}")
  steps = [f"--steps={_STEPS.value}"] if _STEPS.value else []
  stages.run("Train", "hgn-train", "--preset=hgn_demo", f"--dataset={DATASET}", f"--data_dir={data}",
             f"--workdir={run}", "--save_every=60", *steps)
  stages.run("Evaluate", "hgn-evaluate", f"--workdir={run}", "--limit=200")
  stages.run("Export", "hgn-export", f"--workdir={run}", f"--out={models}")
  stages.run("Write test sequences", sys.executable, EXAMPLES / "test_sequences.py", f"--dataset={DATASET}",
             f"--data_dir={data}", f"--out={out / 'sequences.npz'}")
  version = max((path for path in models.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
  stages.run("Roll out from the SavedModel", sys.executable, EXAMPLES / "rollout_savedmodel.py", f"--model={version}",
             f"--frames={out / 'sequences.npz'}", f"--out={out / 'rollouts.npz'}")
  stages.run("Draw what the four trained models do", "hgn-figures", "overview", "samples", f"--out={out}")
  figures = json.loads((run / "evaluation" / "metrics.json").read_text())
  write_report(out, run / "evaluation", figures, stages.seconds)
  check(figures["test"])
  print(f"\nReport: {(out / 'report.html').resolve()}")


def write_report(out, evaluation, figures, seconds):
  """One page with everything that was made."""
  import numpy as np

  from hgn_tf.evaluation.plots import rollouts
  with np.load(out / "rollouts.npz") as saved:
    columns = [("data", saved["frames"][:4]), *((speed, saved[f"{speed}_frames"][:4])
                                                for speed in ("forward", "backward", "double", "half"))]
  rollouts.animation(out / "savedmodel.gif", columns)
  report.write(out / "report.html", "HGN on a mass on a spring", [
      report.paragraph("A network saw short films of a ball on an invisible spring. It inferred where the ball is and "
                       "how it moves, learned an energy whose gradient moves the state, and draws what it predicts."),
      report.figure(evaluation / "reconstruction.gif", "Test films, and what the model makes of them: it infers one "
                                                       "state and computes the rest."),
      report.table(["", "train", "test"], table(figures)),
      report.figure(evaluation / "per_frame_mse.png", "Error of each frame of the rollout on test films."),
      report.figure(evaluation / "energy.png", "The learned energy along five rollouts. Level lines: it is conserved."),
      report.heading("From the exported SavedModel"),
      report.figure(out / "savedmodel.gif", "Run by TensorFlow's C++ session loader in a process without Keras: "
                                            "forward, backward, at double and half speed from one inferred state."),
      report.heading("The four systems, from the trained models that come with hgn_tf"),
      report.figure(out / "overview.gif", "A film of each system; beside the true motion what the model makes of the "
                                          "one state that it inferred, forward, backward, at double and half speed."),
      report.figure(out / "samples.gif", "Films of each system, and films that its model made up: states drawn from "
                                         "the prior."),
      report.heading("How long it took"),
      report.table(["stage", "seconds"], [[title, round(value)] for title, value in seconds.items()]),
  ])
  print("\n" + report.markdown_table(["", "train", "test"], table(figures)))
  print(report.markdown_table(["stage", "seconds"], [[title, round(value)] for title, value in seconds.items()]))


def table(figures):
  """The errors of the model and of the predictors that have learned nothing."""
  rows = {"HGN, pixel MSE x1e4": "mse", "mean training frame x1e4": "mean_image",
          "first frame repeated x1e4": "first_frame"}
  splits = ("train", "test")
  return [*([label, *(1e4 * figures[split][key] for split in splits)] for label, key in rows.items()),
          ["drift of H / spread of H", *(figures[split]["energy_drift"] for split in splits)],
          ["reversal error", *(figures[split]["reversal_error"] for split in splits)]]


def check(test):
  """Ends with an error where the model does not beat what has learned nothing."""
  trivial = min(test["mean_image"], test["first_frame"])
  if not test["mse"] < trivial:
    sys.exit(f"The model's test MSE {test['mse']:.2e} does not beat the trivial predictors' {trivial:.2e}.")


if __name__ == "__main__":
  app.run(main)
