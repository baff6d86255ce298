"""docs/results.md and docs/convergence.md: what the runs of `hgn-reproduce hgn` found, beside the paper's figures."""

import numpy as np

from hgn_tf.commands.reproduce.hgn_runs import ABLATIONS, LAW, MODELS, SYSTEMS
from hgn_tf.evaluation.evaluator import LONG, LONG_SEQUENCES
from hgn_tf.evaluation.plots import rollouts
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.training import files

GOALS = dict(zip(SYSTEMS, (0.06, 0.10, 0.21, 0.17), strict=True))  # relative excess: the paper's own ratios
CORE_MINUTES = 30  # a quarter of an hour of two cores
_FRAME_ROWS = ("decode_31", "decode_8", "hgn")
# Toth et al., Tables 1 and 2, x1e4: (train, test) of each system.
_TABLE_1 = {
    "HNN (paper)": ((None, 104.37), None, (80.52, 78.9), (None, 57.54)),
    "HNN conv (paper)": ((None, 119.09), None, (7.3, 120.71), (None, 62.77)),
    "HGN Euler (paper)": ((3.67, 6.2), (5.43, 10.93), (6.62, 15.06), (7.51, 9.4)),
    "HGN determ (paper)": ((0.23, 3.07), (0.79, 10.68), (2.34, 14.47), (4.1, 5.17)),
    "HGN no f_psi (paper)": ((4.95, 7.04), (6.83, 13.98), (6.35, 16.49), (8.37, 10.41)),
    "HGN leapfrog (paper)": ((3.84, 6.23), (4.9, 11.72), (6.36, 16.47), (7.88, 9.8)),
    "HGN leapfrog (ReScience)": ((None, 7.12), (None, 14.97), (None, 3.36), (None, 8.81)),
}
_TABLE_2 = {
    "HNN (paper)": (None, None, None, (0.72, 1.43)),
    "HNN conv (paper)": (None, None, None, (2.17, 28.34)),
    "HGN Euler (paper)": ((157.28, 120.16), (135.53, 19.53), (405.83, 682.02), (1.18, 8.36)),
    "HGN determ (paper)": ((0.08, 0.09), (0.03, 0.02), (0.03, 0.05), (3.08, 0.22)),
    "HGN no f_psi (paper)": ((0.02, 0.02), (0.02, 0.04), (0.04, 0.02), (4.03, 1.82)),
    "HGN leapfrog (paper)": ((1.38, 0.68), (3.15, 7.13), (0.15, 0.45), (0.31, 1.65)),
}

_RESULTS = """# The paper's tables, and ours

Written by `hgn-reproduce hgn` from the files in `results/hgn/`, one a run. Cells are train / test; ± is the standard
deviation over seeds where there are several. An MSE depends on canvas, ball and colours, which the paper does not give:
compare the relative excess, (MSE - noise floor) / (mean image's MSE - noise floor), 0 for the best possible prediction,
1 for what has learned nothing. The paper's own ratios to a collapsed model give the goals.

## Table 1: pixel MSE over 30 steps, x1e4
"""
_EXCESS = """## Relative excess

Below 0: the state is inferred from the very frames that it is compared with, and after a long training it carries a
little of their observation noise, which the floor counts as unseen.
"""
_ENERGY = """## Table 2: variance of H along a rollout, x1e4

The scale of a learned H is arbitrary. Drift is free of it: the standard deviation of H along a rollout over the spread
of H between test trajectories. Leapfrog's is meant to stay ten times below Euler's. A PixelHNN keeps its H as well, and
that says nothing about its film.
"""
_SAMPLES = """## Samples from the prior

Distance: pixel MSE between a film and the nearest of 500 test films, of 64 samples over that of 64 training films.
Motion: mean squared difference of successive frames, likewise, less what observation noise adds to that of the data. 1
is as good as data; a still film has motion 0. The prior was fitted after training (`HGN.fit_prior`).
"""
_HORIZON = """## Beyond the frames that were trained on

Valid prediction time, forward / backward, in frames of {steps}: until a frame's error against the clean truth is above
half of the mean image's; mean of {films} test films. Training knows frames 0 to 30 and no others, and the paper's HGNs
go wrong as soon as they leave them. Their energies have stayed near the |q|^2/2 + |p|^2/2 that training starts from:
the state turns about once in 50 frames whatever the film (`python -m benchmarks.learned_motion`), and the decoder
reads the film off the phase. The error over 30 steps, the drift of H and reversibility do not show this: what has been
learned is a film, not yet the law behind it. A compact state does learn the law ([law.md](law.md)). `hgn_bootstrapped`,
which was in this package before it, had the same networks as `hgn_no_fpsi`, saw a window of 16 frames at a random place
and learned beyond its films from its own shorter rollouts; `hgn_windows` is the same without that.
"""
_BEYOND = """![Long before and long after the first frame: the truth, an HGN, a compact one](images/beyond.png)

Every tenth frame from 60 before to 90 after the first one that was seen, of a test film each (`hgn-figures beyond`; the
HGNs have 15,000 steps of training; the compact ones are those of [law.md](law.md)). The two bodies of this film happen
to turn once in 50 frames, as the oscillator does that an HGN starts from.
"""
_SPEEDS = """## Figure 7: four speeds

A film that was trained on and one that was not; below the true film, its past, double and half speed, what HGN and
PixelHNN make of it. No model was ever shown a past. `hgn-figures speeds --out=docs/images` draws it from the weights in
the package and from `results/pixel_hnn_films`.
"""
_FRAME_BY_FRAME = """## Figure 6: error and energy, frame by frame

On test films, first seeds. Below the errors, how far H has gone from where the rollout began, over the spread of H
between films: leapfrog keeps it, Euler does not.
"""
_CONVERGENCE = """# Convergence

Written by `hgn-reproduce hgn` from the files in `results/hgn/`. Curves: pixel MSE of 48 test sequences, all 31 frames,
from the mean of the posterior. Time is processor time of the training steps: a quarter of an hour on two cores is 30
core-minutes. Processors differ ("Runs" names them): against time stand only runs of the one that made the first row.
`hgn` is the default preset; every other row takes one thing away from it (`ABLATIONS` in `hgn_tf/commands/reproduce`),
`paper_recipe` all of it.
"""
_FRAMES = """## How many frames to decode

`frames_per_step`: 31 (`decode_31`), 8 (`decode_8`) or 4 (`hgn`) random frames of each film in a training step, in as
many steps as fit into the same time, with schedules as much shorter. Test MSE x1e4 of the 48 sequences on the way.
"""


def write(results, docs):
  """Writes both pages and their pictures; returns their paths.

  Args:
    results: folder of the runs, pathlib.Path.
    docs: folder of the pages, pathlib.Path.

  Raises:
    ValueError: no runs in `results`.
  """
  runs = load(results)
  if not runs:
    raise ValueError(f"No runs in {results}; make them with: hgn-reproduce hgn --results={results}")
  pages = {"results": _results, "convergence": _convergence}
  for name, page in pages.items():
    (docs / name).mkdir(parents=True, exist_ok=True)
    files.write_bytes(docs / f"{name}.md", "\n".join(page(runs, docs / name)).encode())
  return [docs / f"{name}.md" for name in pages]


def load(results, but=()):
  """(row, steps) -> dataset -> its runs, in the order of their seeds; `but` the files of these names."""
  runs = {}
  for path in sorted(path for path in results.glob("*.json") if path.name not in but):
    run = files.read_json(path)
    runs.setdefault((run["row"], run["config"]["steps"]), {}).setdefault(run["dataset"], []).append(run)
  return dict(sorted(runs.items(), key=lambda item: ([*MODELS, *ABLATIONS, *LAW].index(item[0][0]), item[0][1])))


def _results(runs, pictures):
  models = {key: found for key, found in runs.items() if key[0] in MODELS}
  parts = [_RESULTS, _table(models, _TABLE_1, "mse", 1e4), _trivial(models), _EXCESS,
           _table(models, {"goal": [(None, goal) for goal in GOALS.values()]}, "relative_excess", 1.0),
           _ENERGY, _table(models, _TABLE_2, "energy_variance", 1e4), "Drift:\n",
           _table(models, {}, "energy_drift", 1.0), _SAMPLES, _sampled(models),
           "![Films of each system that its model made up: hgn-figures samples](images/samples.png)\n",
           _HORIZON.format(steps=LONG + 1, films=LONG_SEQUENCES), _horizons(models),
           _BEYOND, _FRAME_BY_FRAME]
  for draw, measure, label in ((_errors, "per_frame", "Pixel MSE of each frame"), (_drifts, "energy", "Change of H")):
    for dataset in datasets(models):
      path = pictures / f"{measure}_{dataset.replace('/', '_')}.png"
      draw(path, _firsts(models, dataset))
      parts.append(f"![{label}, {dataset}](results/{path.name})\n")
  speeds = [f"![Four speeds, {system}](images/speeds_{system}.png)\n" for system in SYSTEMS]
  return [*parts, _SPEEDS, *speeds, "## Runs\n", provenance(models)]


def datasets(runs):
  """The datasets of all runs: the paper's four first."""
  names = {dataset for found in runs.values() for dataset in found}
  return sorted(names, key=lambda name: (name not in SYSTEMS, SYSTEMS.index(name) if name in SYSTEMS else 0, name))


def _table(runs, first, measure, scale):
  """Rows of `first` (label -> a pair for each of SYSTEMS), then a row for each of ours."""
  columns = datasets(runs)
  lines = [[label, None, *(_pair(dict(zip(SYSTEMS, cells, strict=True)).get(column)) for column in columns)]
           for label, cells in first.items()]
  for (row, steps), found in runs.items():
    lines.append([row, steps, *(_cell(found.get(column), measure, scale) for column in columns)])
  return markdown_table(["model", "steps", *columns], lines)


def _pair(cell):
  return None if cell is None else " / ".join("-" if value is None else f"{value:g}" for value in cell)


def _cell(runs, measure, scale):
  """train / test of a measure, mean and spread over seeds."""
  if not runs or measure not in runs[0]["test"]:
    return None
  return " / ".join(spread([scale * run[split][measure] for run in runs]) for split in ("train", "test"))


def spread(values):
  """Mean and, over several, spread; None over none."""
  if not values:
    return None
  return f"{np.mean(values):.3g}" + (f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else "")


def _sampled(runs):
  """Ratios of samples to data."""
  columns, lines = datasets(runs), []
  for (row, steps), found in runs.items():
    for key in ("distance", "motion"):
      ratios = [spread([run["samples"][key] / run["samples"][f"data_{key}"]
                         for run in found.get(column, ()) if "samples" in run]) for column in columns]
      if any(ratios):
        lines.append([row, steps, key, *ratios])
  return markdown_table(["model", "steps", "samples over data", *columns], lines)


def _horizons(runs):
  """Valid prediction times of long rollouts, where they were measured."""
  columns, lines = datasets(runs), []
  for (row, steps), found in runs.items():
    measured = [[run["horizon"] for run in found.get(column, ()) if run.get("horizon")] for column in columns]
    if any(measured):
      lines.append([row, steps, *(" / ".join(spread([times[key] for times in one]) for key in ("forward", "backward"))
                                  if one else None for one in measured)])
  return markdown_table(["model", "steps", *columns], lines)


def _trivial(runs):
  """What has learned nothing, and what nothing can beat."""
  labels = {"mean_image": "mean training frame", "first_frame": "first frame repeated", "noise_floor": "noise floor"}
  some = {dataset: next(iter(_firsts(runs, dataset).values())) for dataset in datasets(runs)}
  return markdown_table(["for comparison, x1e4", *some],
                        [[label, *(_cell([run], key, 1e4) for run in some.values())]
                         for key, label in labels.items()])


def _errors(path, runs):
  """Figure 6: error of each frame."""
  curves = {f"{row}, {steps:,} steps": run["test"]["per_frame"] for (row, steps), run in runs.items()}
  curves["mean training frame"] = next(iter(runs.values()))["test"]["per_frame_mean_image"]
  rollouts.lines(path, {label: (np.arange(len(y)), y) for label, y in curves.items()}, ylabel="pixel MSE",
                 xlabel="frame", log=True)


def _drifts(path, runs):
  """Figure 6: how far H has gone from where it started, over its spread between films; mean over some test films."""
  curves = {}
  for (row, steps), run in runs.items():
    if "energy" in run["test"]:
      energy = np.array(run["test"]["energy"])
      change = np.abs(energy - energy[:, :1]).mean(axis=0) / np.std(energy.mean(axis=1))
      curves[f"{row}, {steps:,} steps"] = np.arange(1, len(change)), change[1:]
  rollouts.lines(path, curves, ylabel="change of H over its spread", xlabel="frame", log=True)


def provenance(runs, command="hgn"):
  """A table of the runs with the command that made each."""
  lines = []
  for (row, steps), found in runs.items():
    for dataset, seeds in found.items():
      lines.append([row, dataset, steps, ", ".join(str(run["seed"]) for run in seeds),
                    f"{np.mean([run['cpu_seconds'] for run in seeds]) / 60:.0f}", seeds[0]["machine"],
                    seeds[0]["test"]["sequences"],
                    f"`hgn-reproduce {command} --rows={row} --datasets={dataset} --steps={steps} "
                    f"--seeds={','.join(str(run['seed']) for run in seeds)}`"])
  return markdown_table(["row", "dataset", "steps", "seeds", "core-minutes each", "machine", "test sequences",
                         "command"], lines)


def _convergence(runs, pictures):
  runs = {key: found for key, found in runs.items() if key[0] in ("hgn", *ABLATIONS)}
  parts = [_CONVERGENCE, f"## Relative excess on test after at most {CORE_MINUTES} core-minutes\n", _goals(runs)]
  decoded = {key: found for key, found in runs.items() if key[0] in _FRAME_ROWS}
  compared = [name for name in datasets(decoded)
              if {row for row, _ in _one_machine(_firsts(decoded, name))} == set(_FRAME_ROWS)]
  if compared:
    parts += [_FRAMES, _at_minutes(decoded, compared)]
    parts += [_picture(pictures, "frames_" + name, decoded, name, "core_minutes") for name in compared]
  for dataset in datasets(runs):
    parts.append(f"## {dataset}\n")
    parts += [_picture(pictures, dataset, runs, dataset, axis) for axis in ("step", "core_minutes")]
  return [*parts, "## Runs\n", provenance(runs)]


def _at_minutes(runs, names, minutes=(2.5, 5, 10, 15)):
  """Test MSE of the first seed of every row after some core-minutes, between its checkpoints by interpolation."""
  lines = []
  for dataset in names:
    for (row, steps), run in _one_machine(_firsts(runs, dataset)).items():
      _, at, mse = curve(run)
      lines.append([dataset, row, steps, *(f"{1e4 * np.interp(m, at, mse):.1f}" if at[0] <= m <= at[-1] else None
                                           for m in minutes), f"{1e4 * mse[-1]:.1f}"])
  return markdown_table(["dataset", "row", "steps", *(f"{m:g} core-minutes" for m in minutes), "at the end"], lines)


def _picture(pictures, name, runs, dataset, axis):
  path = _curves(pictures / f"{name.replace('/', '_')}_{axis}.png", runs, dataset, axis)
  return f"![Test MSE of {dataset} against {axis.replace('_', '-')}{'s' * (axis == 'step')}](convergence/{path.name})\n"


def curve(run):
  """(steps, core-minutes, test MSE) along a run, arrays."""
  rows = [row for row in run["history"] if "val_mse" in row]
  return tuple(np.array([row[key] for row in rows]) * unit
               for key, unit in (("step", 1), ("cpu_seconds", 1 / 60), ("val_mse", 1)))


def _firsts(runs, dataset):
  """(row, steps) -> the run of the first seed on a dataset."""
  return {key: found[dataset][0] for key, found in runs.items() if dataset in found}


def _one_machine(firsts):
  """Those whose times can be compared: made by the machine that made the first."""
  machine = next(iter(firsts.values()))["machine"]
  return {key: run for key, run in firsts.items() if run["machine"] == machine}


def _goals(runs):
  """Relative excess of the runs that took no more than CORE_MINUTES, the median over seeds against the goal."""
  columns = datasets(runs)
  lines = [["goal", None, None, *(GOALS.get(column) for column in columns)]]
  for (row, steps), found in runs.items():
    minutes = [run["cpu_seconds"] / 60 for seeds in found.values() for run in seeds]
    if np.mean(minutes) > CORE_MINUTES:
      continue
    cells = []
    for column in columns:
      values = [run["test"]["relative_excess"] for run in found.get(column, ())]
      cells.append(f"{np.median(values):.3f}" + (f" ({min(values):.3f} to {max(values):.3f}, {len(values)} seeds)"
                                                 if len(values) > 1 else "") if values else None)
    lines.append([row, steps, f"{np.mean(minutes):.0f}", *cells])
  return markdown_table(["row", "steps", "core-minutes", *columns], lines)


def _curves(path, runs, dataset, axis):
  """Test MSE of the first seed of every row; against time, of the rows that one machine made."""
  firsts = _firsts(runs, dataset)
  shown = firsts if axis == "step" else _one_machine(firsts)
  curves = {}
  for (row, steps), run in shown.items():
    step, minutes, mse = curve(run)
    curves[f"{row}, {steps:,} steps"] = step if axis == "step" else minutes, mse
  ends = [min(x[0] for x, _ in curves.values()), max(x[-1] for x, _ in curves.values())]
  curves["mean training frame"] = ends, [next(iter(firsts.values()))["test"]["mean_image"]] * 2
  rollouts.lines(path, curves, ylabel="pixel MSE", xlabel=axis.replace("_", "-") + "s" * (axis == "step"), log=True,
                 log_x=axis == "step")
  return path
