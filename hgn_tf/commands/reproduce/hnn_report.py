"""docs/hnn.md: what the runs of `hgn-reproduce hnn` found, beside the figures of the HNN repository."""

import itertools

import numpy as np

from hgn_tf.commands.reproduce import hnn_pictures
from hgn_tf.evaluation.plots.hnn import LABELS
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.training import files

MEASURES = {"train_loss": "train loss", "test_loss": "test loss", "energy_mse": "energy MSE"}
# Greydanus et al., README of their repository: train loss, its standard error, test loss, ..., energy MSE, ...
_README = {
    ("mass_spring", "baseline"): (3.7134e-2, 1.9e-3, 3.6656e-2, 1.9e-3, 1.7077e-1, 2.1e-2),
    ("mass_spring", "hnn"): (3.6933e-2, 1.9e-3, 3.5928e-2, 1.8e-3, 3.8416e-4, 6.5e-5),
    ("pendulum", "baseline"): (3.2606e-2, 1.7e-3, 3.5273e-2, 1.8e-3, 4.1519e-2, 9.6e-3),
    ("pendulum", "hnn"): (3.2787e-2, 1.8e-3, 3.5586e-2, 1.8e-3, 2.4852e-2, 5.4e-3),
    ("real_pendulum", "baseline"): (2.7455e-3, 2.1e-4, 2.1864e-3, 3.3e-4, 3.8564e-1, 6.9e-2),
    ("real_pendulum", "hnn"): (9.2376e-3, 5.0e-4, 5.9584e-3, 6.2e-4, 1.4477e-2, 4.7e-3),
    ("two_body", "baseline"): (3.2682e-5, 1.2e-6, 2.9575e-5, 8.9e-7, 6.3276e-2, 3.4e-2),
    ("two_body", "hnn"): (2.9959e-6, 6.6e-8, 2.8218e-6, 4.2e-8, 3.8751e-5, 5.0e-6),
    ("three_body", "baseline"): (9.5573e-2, 6.6e-2, 3.8000e-1, 4.2e-1, 1.0906e2, 7.7e1),
    ("three_body", "hnn"): (8.0346e-2, 2.1e-2, 4.8809e-1, 4.8e-1, 4.1926e-2, 3.4e-2),
    ("pixel_pendulum", "baseline"): (1.7731e-4, 2.4e-6, 1.7306e-4, 3.2e-6, 9.2748e-3, 1.1e-3),
    ("pixel_pendulum", "hnn"): (1.8683e-4, 2.4e-6, 1.8451e-4, 3.4e-6, 1.5315e-4, 8.4e-6),
}
# (task, model) -> measure -> (mean, standard error).
ORIGINAL = {key: {measure: row[2 * i:2 * i + 2] for i, measure in enumerate(MEASURES)} for key, row in _README.items()}
TASKS = tuple(dict.fromkeys(task for task, _ in ORIGINAL))
TITLES = {
    "mass_spring": "Ideal mass-spring", "pendulum": "Ideal pendulum", "real_pendulum": "Real pendulum",
    "two_body": "Two-body", "three_body": "Three-body", "pixel_pendulum": "Pixel pendulum",
    "mass_spring_friction": "Mass-spring with friction", "pendulum_friction": "Pendulum with friction"}
_OTHERS = ("decayed", "midpoint", "separable", "bodies")  # models that the original does not have

_HEAD = """# HNN on phase space: the HNN repository's tasks, reproduced

Written by `hgn-reproduce hnn`; every figure below comes from the files in `results/hnn/`, one a run. Three seeds each,
of data and weights; mean ± standard error over the seeds. "Original" is the table in the README of
[github.com/greydanus/hamiltonian-nn](https://github.com/greydanus/hamiltonian-nn), one run each, ± the standard error
over its data. Losses are the mean squared error of dx/dt; the energy MSE is that of the true energy along rollouts of
the learned field.
"""
_GOALS = """## Against the original

A loss passes if it is at most two of the original's standard errors above the original.
"""
_MEDIANS = """The mean of three bodies hangs on single trajectories: where two bodies meet closely, which is rare in the
training data, the error of all but the HNN of bodies outweighs that of all other trajectories. The median over
trajectories, mean ± standard error over seeds:
"""
_LONG = """## Ten times the horizon

The energy MSE over ten times the time. The separable HNN, H = K(p) + V(q), takes a symplectic integrator, which the
original's joint H does not; so does the HNN of bodies.
"""
_FRICTION = """## Friction

dp/dt = -dH/dq - gamma p, gamma = 0.3. The damped HNN learns one number beside H, dp/dt = -dH/dq - g dH/dp, whose true
value is gamma m. The energy is compared with that of the true, decaying motion at the same time.
"""
_PROTOCOL = """## Protocol

- Data: `hgn_tf.physics.phase_space_tasks`. 50 trajectories, half of them for test, noise of 0.1 on q and p but not on
  dx/dt (mass-spring, 30 points over t in [0, 3]; pendulum, 45 points); 1,000 orbits of 50 points over [0, 20] and 5,000
  of 20 points over [0, 5], a fifth of them for test, without noise. Every seed has its own data, orbits included.
- Models: two tanh layers of 200, orthogonal kernels, the last layer without bias; Adam 1e-3 with torch's coupled weight
  decay; 2,000 steps on all pairs, or 10,000 on batches of 200 and 600. "Decayed rate": the same with a cosine decay of
  the learning rate to zero, which the separable HNN has too, and the HNN of bodies: H = |p|^2 / 2m + the sum over pairs
  of v(ln |q_i - q_j|), with a learned mass and one net v of two layers of 64. It is told that the bodies are equal and
  that they act in pairs, along the line between them; not how. The others have to learn that.
  `python examples/hnn_gravity.py` prints its potential beside Newton's, and moves four bodies with it.
- Pixel pendulum: the `pixel_pendulum` dataset, 10,000 steps on batches of 200 windows of three frames. A code is read
  as a state by the affine map that fits the training clips best; the momentum at a frame is the mean of gymnasium's
  before and after it. How the original measured its energy MSE is not published with its code. "Midpoint" has the
  decayed rate, and takes z_{t+1} - z_t for dz/dt at the mean of both codes instead of at z_t. A code's p is the motion
  of q to the next frame, half a step late, so codes move on tilted ellipses: no Hamiltonian has them as orbits under
  the original's forward difference, but one has under the midpoint rule.
- Energy MSE: rollouts by RK4 with a fixed step from the clean first states of 25 test trajectories, as the original's
  README words it. Its notebooks start the mass-spring and the pendulum in the box 0.2 < |q|, |p| < 1 instead, a third
  of which is outside of the circle of the mass-spring's data, and most of which is inside the ring of the pendulum's.
  From 25 states there:
"""


def write(results, doc):
  """Writes the page and its pictures.

  Args:
    results: folder of the runs, pathlib.Path.
    doc: file to write, pathlib.Path; the pictures go into the folder of its name without the suffix.

  Raises:
    ValueError: no runs in `results`.
  """
  runs = load(results)
  if not runs:
    raise ValueError(f"No runs in {results}; make them with: hgn-reproduce hnn --results={results}")
  pictures = hnn_pictures.draw(results, TITLES, doc.with_suffix(""))
  sections = [_HEAD, _comparison(runs), _GOALS, _goals(runs), _MEDIANS, _medians(runs), _LONG, _long(runs),
              _friction(runs), "## Figures\n",
              *(f"![{caption}]({path.relative_to(doc.parent)})\n\n*{caption}*\n" for path, caption in pictures.items()),
              _PROTOCOL, _box(runs), "## Runs\n", _provenance(runs)]
  files.write_bytes(doc, "\n".join(section for section in sections if section).encode())


def load(results):
  """(task, model) -> the measures of its runs, in the order of their seeds."""
  runs = {}
  for path in sorted(results.glob("*.json")):
    found = files.read_json(path)
    runs.setdefault((found["task"], found["model"]), []).append(found)
  return runs


def mean_and_error(runs, measure):
  """Mean over runs and its standard error, NaN for a single run; None without runs that measured it."""
  values = np.array([run[measure] for run in runs or () if measure in run])
  if not len(values):
    return None
  return values.mean(), values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")


def met(found, original, measure):
  """Whether a measure of ours reaches the original's: energies at or below it, losses up to 2 errors above."""
  (ours, _), (mean, error) = found, original
  return bool(ours <= (mean if measure == "energy_mse" else mean + 2 * error))


def _text(value):
  return None if value is None else f"{value[0]:.2e} ± {value[1]:.0e}"


def _cells(runs, task, models, measure):
  """A measure of several models of a task, as text."""
  return [_text(mean_and_error(runs.get((task, model)), measure)) for model in models]


def _comparison(runs):
  header = ["task", "measure", "baseline, original", "baseline, ours", "HNN, original", "HNN, ours",
            "HNN, decayed rate", "HNN, midpoint", "separable, ours", "bodies, ours"]
  rows = []
  for task, (measure, label) in itertools.product(TASKS, MEASURES.items()):
    cells = [_text(pair) for model in ("baseline", "hnn")
             for pair in (ORIGINAL[task, model][measure], mean_and_error(runs.get((task, model)), measure))]
    cells += _cells(runs, task, _OTHERS, measure)
    rows.append([TITLES[task], label, *cells])
  return markdown_table(header, rows)


def _goals(runs):
  rows = []
  for task, model in itertools.product(TASKS, ("hnn", "decayed", "midpoint", "bodies")):
    if model == "hnn" or (task, model) in runs:
      found = {measure: mean_and_error(runs.get((task, model)), measure) for measure in MEASURES}
      rows.append([TITLES[task], LABELS[model], *(
          "not run" if value is None else "yes" if met(value, ORIGINAL[task, "hnn"][measure], measure) else "no"
          for measure, value in found.items())])
  return markdown_table(["task", "model", *MEASURES.values()], rows)


def _medians(runs):
  models, rows = ("baseline", "hnn", *_OTHERS), []
  for task in TASKS:
    found = _cells(runs, task, models, "energy_mse_median")
    if any(found):
      rows.append([TITLES[task], *found])
  return markdown_table(["median energy MSE", *(LABELS[model] for model in models)], rows)


def _long(runs):
  rows = []
  for task in (task for task in TASKS if (task, "separable") in runs):
    rows.append([TITLES[task], f"{10 * runs[task, 'separable'][0]['horizon']:g}",
                 *_cells(runs, task, ("baseline", "hnn", "separable", "bodies"), "long_energy_mse")])
  return markdown_table(["task", "time", "baseline, RK4", "HNN, RK4", "separable HNN, leapfrog",
                         "HNN of bodies, leapfrog"], rows)


def _box(runs):
  rows = []
  for task in ("mass_spring", "pendulum"):
    rows.append([TITLES[task], _text(ORIGINAL[task, "hnn"]["energy_mse"]),
                 *_cells(runs, task, ("baseline", "hnn", "separable"), "box_energy_mse")])
  return markdown_table(["energy MSE from the box", "HNN, original", "baseline", "HNN", "separable HNN"], rows)


def _friction(runs):
  rows = []
  for task in (task for task, model in runs if model == "damped"):
    damped = runs[task, "damped"]
    energies = [_text(mean_and_error(found, "energy_mse")) for found in (runs.get((task, "hnn")), damped)]
    learned, error = mean_and_error(damped, "friction")
    rows.append([TITLES[task], *energies, f"{learned:.4f} ± {error:.0e}", damped[0]["true_friction"]])
  table = markdown_table(["task", "energy MSE, HNN", "energy MSE, damped HNN", "learned g", "true g"], rows)
  return f"{_FRICTION}\n{table}" if rows else ""


def _provenance(runs):
  rows = []
  for (task, model), found in sorted(runs.items()):
    training, whole = ([run[key] for run in found] for key in ("training_seconds", "seconds"))
    seeds = ", ".join(str(run["seed"]) for run in found)
    rows.append([task, model, found[0]["steps"], seeds, f"{np.mean(training):.0f}", f"{sum(whole):.0f}",
                 f"`hgn-reproduce hnn --tasks={task} --models={model}`"])
  minutes = sum(run["seconds"] for found in runs.values() for run in found) / 60
  header = ["task", "model", "steps", "seeds", "training, each", "with rollouts, all", "command"]
  return (f"{sum(map(len, runs.values()))} runs, {minutes:.0f} minutes; all times are processor time of one core, the "
          f"table's in seconds.\n\n{markdown_table(header, rows)}")
