"""docs/follow_up.md: what the runs of `hgn-reproduce follow_up` found."""

import numpy as np

from hgn_tf.commands.reproduce.follow_up_runs import FILMS, FRAMES, MORE_PAIRS, PAIRS, PICTURED, ROWS
from hgn_tf.commands.reproduce.hgn_report import spread
from hgn_tf.evaluation import plots
from hgn_tf.evaluation.follow_up import BEYOND
from hgn_tf.evaluation.plots import rollouts
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.training import files

_INTRO = """# The follow-up's benchmark

Written by `hgn-reproduce follow_up` from the files in `results/follow_up/`, one a run. Botev et al. ("Which priors
matter?", NeurIPS 2021) and Higgins et al. ("SyMetric", 2021) compare models of one film by what they make of the time
after it and before it, and by the states that they find. These are their datasets and their measures, drawn and written
anew, and equal times: each row was trained for so many minutes of one core as its table says, in as many steps as the
time of a step allows, which was measured first and stands beside. Their own runs took days of a GPU.

- `hgn`: the paper's, 31 frames in and the same 31 out. `hgn_plus_plus`: theirs, 5 frames in and the next 60 out, a
  vector of 32 numbers, half of the films read from their end; recipe of this package for short trainings.
  `hgn_compact`: as few pairs (q, p) as the motion has ({pairs}), and
  {more} more where colours and constants are drawn, and an energy that separates everywhere. In their angles that of
  two pendulums does not, yet a mass matrix M(q) learned less in the same steps. Half of the suite's films of
  them go round within {frames} frames, which no two numbers can follow.
- `latent_ode`, `latent_rnn`: encoder, decoder and training of `hgn_compact`, its law replaced by an MLP vector field
  with rk4, by a GRU of 32 units (and another for the way back).
- \\* marks a row that ended in NaN, and was trained again at a third of its learning rate.
- All but `hgn` learn from the first {frames} frames of films, and none sees what follows.

**VPT**: median over {films} test films of the frames until the first whose error is above 2.5 % of its own mean
square, counted beyond the frames that were trained on, of at most {beyond}; forward / backward, both from the film
outward (the published code counts backward from the far end). Where balls are small the mean image, which shows no
motion, is within 2.5 % too: its row says how far, and a VPT counts for what it is above that. **Half**: mean of the
frames from the first on until one is above half of the mean image's error, this package's own measure; forward of at
most the film and {beyond} more. **R²**, **Sym**, **SyMetric**: `hgn_tf.evaluation.symetric`, of films that the map was
not fitted to; *pairs* are those whose posterior variance is below 0.5. **Excess**: (MSE - floor) / (mean image's MSE -
floor) over the film; 0 the best possible, 1 what has learned nothing.
"""
_PICTURES = """## Films of the double pendulum

A test film beside what each row makes of it, every other frame; {seen} of all were seen by none. Longest training,
first seed. At energies where no bob goes round [a longer training follows it](training.md#a-double-pendulum).

![Double pendulum: the truth and the rows](follow_up/double_pendulum.gif)

![Every tenth frame of the first](follow_up/double_pendulum.png)
"""


def write(results, doc):
  """Writes the page and, where there are films, its pictures; returns its path.

  Raises:
    ValueError: no runs in `results`.
  """
  runs = load(results)
  if not runs:
    raise ValueError(f"No runs in {results}; make them with: hgn-reproduce follow_up --results={results}")
  pairs = ", ".join(f"{count} for {system}" for system, count in PAIRS.items())
  parts = [_INTRO.format(pairs=pairs, more=MORE_PAIRS, frames=FRAMES, films=FILMS, beyond=BEYOND)]
  for dataset in sorted({dataset for _, dataset, _ in runs}, key=_place):
    parts += [f"## {dataset}\n", _table(runs, dataset)]
  if plots.available():
    parts += _pictures(runs, doc.parent / doc.stem)
  files.write_bytes(doc, "\n".join([*parts, "## Runs\n", _provenance(runs)]).encode())
  return doc


def load(results):
  """(row, dataset, length) -> its runs in the order of their seeds; a length is "20 min" or "3,000 steps"."""
  runs = {}
  for path in sorted(results.glob("*.json")):
    run = files.read_json(path)
    length = f"{run['minutes']:g} min" if run["minutes"] else f"{run['config']['steps']:,} steps"
    runs.setdefault((run["row"], run["dataset"], length), []).append({**run, "path": path})
  return dict(sorted(runs.items(), key=lambda item: (list(ROWS).index(item[0][0]), _place(item[0][1]),
                                                     item[1][0]["config"]["steps"])))


def _place(dataset):
  system, *_ = dataset.split("/")
  return list(PAIRS).index(system), dataset


def _table(runs, dataset):
  longest = max((run for (_, where, _), found in runs.items() if where == dataset for run in found),
                key=lambda run: run["config"]["num_frames"])
  lines = [["*mean image*", "", "", _both([longest], "vpt_of_mean"), *[""] * 5, "1"]]
  for (row, where, length), found in runs.items():
    if where == dataset:
      mark = "\\*" if any(run.get("fault") for run in found) else ""
      lines.append([
          row + mark, length, _steps(found), *(_both(found, key) for key in ("vpt", "half")),
          *(spread([run["states"][key] for run in found]) for key in ("r2", "sym", "symetric")),
          "/".join(str(run["states"]["kept"]) for run in found),
          spread([run["test"]["relative_excess"] for run in found])])
  return markdown_table(["model", "trained", "steps", "VPT", "half", "R²", "Sym", "SyMetric", "pairs", "excess"], lines)


def _steps(found):
  return "/".join(f"{run['config']['steps']:,}" for run in found)


def _both(found, key):
  """Forward / backward: of one seed, or the median over seeds and their range."""
  columns = [sorted(run["horizons"][name][key] for run in found) for name in ("forward", "backward")]
  text = " / ".join(f"{np.median(values):.0f}" for values in columns)
  return text if len(found) == 1 else (
      f"{text} ({' / '.join(f'{values[0]:.0f}-{values[-1]:.0f}' for values in columns)}; {len(found)} seeds)")


def _pictures(runs, folder):
  """The films of the double pendulum, of the first dataset that most rows have."""
  films, most = {}, 0
  pictured = {dataset for _, dataset, _ in runs if dataset.split("/")[0] == PICTURED}
  for dataset in sorted(pictured, key=_place):
    kept = {row: found[0]["path"].with_suffix(".npz") for (row, where, _), found in runs.items() if where == dataset}
    kept = {row: path for row, path in kept.items() if path.exists()}
    if len(kept) > most:
      films, most = kept, len(kept)
  if not films:
    return []
  folder.mkdir(parents=True, exist_ok=True)
  stored = {row: np.load(path) for row, path in films.items()}
  columns = [("truth", next(iter(stored.values()))["true"] / 255.0)]
  columns += [(row, film["predicted"] / 255.0) for row, film in stored.items()]
  rollouts.animation(folder / "double_pendulum.gif", [(label, frames[:1, ::2]) for label, frames in columns], scale=2)
  rollouts.strips(folder / "double_pendulum.png", [(label, frames[0]) for label, frames in columns], every=10)
  return [_PICTURES.format(seen=columns[0][1].shape[1] - FRAMES)]


def _provenance(runs):
  lines = []
  for (row, dataset, _), found in runs.items():
    one, seeds = found[0], ",".join(str(run["seed"]) for run in found)
    length = f"--minutes={one['minutes']:g}" if one["minutes"] else f"--steps={one['config']['steps']}"
    lines.append([row, dataset, seeds, f"{np.mean([run['step_seconds'] for run in found]):.3f}",
                  f"{np.mean([run['cpu_seconds'] for run in found]) / 60:.0f}", one["machine"],
                  f"`hgn-reproduce follow_up --rows={row} --datasets={dataset} {length} --seeds={seeds}`"])
  return markdown_table(["row", "dataset", "seeds", "seconds a step", "core-minutes each", "machine", "command"], lines)
