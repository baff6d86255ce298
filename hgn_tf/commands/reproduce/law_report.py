"""docs/law.md: how near compact HGNs come to the physical limit, and what makes them."""

import numpy as np

from hgn_tf import physics
from hgn_tf.commands.reproduce import hgn_report
from hgn_tf.commands.reproduce.hgn_runs import LAW, REFINE, SYSTEMS
from hgn_tf.evaluation import limit, state_size
from hgn_tf.evaluation.evaluator import LONG, LONG_SEQUENCES
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.training import files

CONTEXTS = (16, 31)  # frames that the physical limit is given for
ABLATION = "ablation"  # the folder of its runs below that of the others
_LIMITS, _SIZES = "limits.json", "pairs.json"
_ROWS = ("hgn", *LAW)  # of the ablation; the first has a grid for a state
_LABELS = ("forward", "backward")

_INTRO = """# The law behind the film

Written by `hgn-reproduce law` from the files in `results/law/`. An HGN with a grid of 512 numbers for a state can learn
any path through its latent space that shows the film; a `CompactHGN` has as few pairs (q, p) as the motion has, sees 16
frames at a random place of the film, and is rolled out both ways. Trained on frames 0 to 30 alone.

## How long it stays right

Valid prediction time, forward / backward, in frames of {steps}, until a frame's error against the clean truth is above
half of the mean image's; mean of {films} test films, then the median over seeds (and their range). *Physical limit*: an
estimator that knows the law, fits its first state to what the frames show (their observation noise; where there is
none, positions to {centroid} canvas units), and is rolled out with the true law (`hgn_tf.evaluation.limit`). It does
not know how the initial states are distributed, which an encoder learns as well: against noise that is worth some
frames. The relative excess is over the 31 frames on test films, of which the encoder saw the first 16: 0 the best
possible prediction, 1 the mean image.
"""
_LAW = """## It is the law

On test films, from the first 16 frames: R² of the true energy by an increasing function of the learned one (below it
that of the energies of the physical limit's estimates: noise of the frames is noise of the energy); of the true state
(q, p) along the films by a smooth function of the learned state. Each function is fitted to one half of the films and
measured on the other. Error of the frequency over rollouts of 400 frames. Then what is left after 1,000 frames, of the
last tenth over the first: amplitude of the motion, contrast of the frames; and the drift of H over its spread.

![Phase portraits of learned and true energies](images/law_portraits.png)

![Frequency against energy, true and learned](images/law_frequencies.png)

Drawn by `hgn-figures law` from the weights in the package; learned energies are carried to the units of the true ones
by the increasing function.
"""
_REFINED = """## Inference from all frames

The encoder sees 16 frames. {refine} iterations of L-BFGS on the pixels of all 31, from the encoder's state
(`CompactHGN.infer(frames, refine={refine})`).
"""
_PAIRS = """## How many pairs

Found from the films before training (`hgn-train --find_pairs`, `hgn_tf.evaluation.state_size`): as many pairs as a
frame has dimensions, since each pair has one coordinate that frames show. Estimates from 3,000 frames of as many
training films: Levina and Bickel's, which is rounded, and TwoNN beside it. What differs from film to film and does not
move, such as a colour, counts as well.
"""
_ABLATION = """## What makes it learn the law

Rows change one thing of `hgn_compact` at a time and are trained for equal times, {minutes:g} minutes of one core, in as
many steps as the time of a step allows (`LAW` in `hgn_tf/commands/reproduce/hgn_runs.py`; `hgn` has the grid of the
paper, its decoder and its films from the first frame on). Frames right, forward / backward, as above; R² of the energy.
"""


def measure_limits(results, datasets):
  """Writes the physical limits of the systems that `limits.json` in the folder `results` lacks."""
  path = results / _LIMITS
  known = files.read_json(path) if path.exists() else {}
  for system in datasets:
    for context in CONTEXTS:
      if f"{system}-{context}" not in known:
        print(f"Physical limit of {system} from {context} frames ...", flush=True)
        found = limit.physical_limit(physics.default_spec(system), context=context, num_films=LONG_SEQUENCES,
                                     num_steps=LONG)
        known[f"{system}-{context}"] = {name: float(np.mean(value)) for name, value in found.items()}
        files.write_json(path, known)


def measure_sizes(results, datasets, data_dir=None):
  """Writes how many pairs the datasets' films need where `pairs.json` in the folder `results` lacks it.

  Raises:
    ModuleNotFoundError: scikit-dimension is missing.
  """
  path = results / _SIZES
  known = files.read_json(path) if path.exists() else {}
  for dataset in datasets:
    if dataset not in known:
      known[dataset] = state_size.find(dataset, data_dir=data_dir)
      files.write_json(path, known)


def write(results, doc):
  """Writes the page; returns its path.

  Raises:
    ValueError: no runs in `results`.
  """
  runs = {key: found for key, found in hgn_report.load(results, but=(_LIMITS, _SIZES)).items() if key[0] in LAW}
  if not runs:
    raise ValueError(f"No runs in {results}; make them with: hgn-reproduce law --results={results}")
  limits = files.read_json(results / _LIMITS)
  longest = {}  # system -> the runs of hgn_compact with the most steps
  for (row, _), found in runs.items():
    longest |= found if row == "hgn_compact" else {}
  parts = [_INTRO.format(steps=LONG + 1, films=LONG_SEQUENCES, centroid=limit.CENTROID_ERROR),
           _horizons(longest, limits), _LAW, _law(longest, limits),
           _REFINED.format(refine=REFINE), _refined(longest, limits)]
  if (results / _SIZES).exists():
    parts += [_PAIRS, _sizes(longest, files.read_json(results / _SIZES))]
  ablation = _by_minutes(results / ABLATION)
  for minutes, found in ablation.items():
    parts += [_ABLATION.format(minutes=minutes), _ablation(found, limits)]
  parts += ["## Runs\n", hgn_report.provenance(runs, "law")]
  if ablation:
    parts += ["Of the ablation:\n", _provenance(ablation)]
  files.write_bytes(doc, "\n".join(parts).encode())
  return doc


def _by_minutes(folder):
  """minutes -> (row, dataset) -> its runs, in the order of their seeds."""
  found = {}
  runs = map(files.read_json, folder.glob("*.json"))
  for run in sorted(runs, key=lambda run: (_ROWS.index(run["row"]), run["dataset"], run["seed"])):
    found.setdefault(run["minutes"], {}).setdefault((run["row"], run["dataset"]), []).append(run)
  return found


def _horizons(longest, limits):
  def row(label, cell):
    return [label, *(longest.get(system) and cell(longest[system]) for system in SYSTEMS)]

  return markdown_table(["", *SYSTEMS], [
      _limits(limits, 16, "physical limit"),
      row("hgn_compact", lambda seeds: _times(seeds, "horizon")),
      row("steps", lambda seeds: f"{seeds[0]['config']['steps']:,}"),
      row("core-minutes", lambda seeds: f"{np.mean([run['cpu_seconds'] for run in seeds]) / 60:.0f}"),
      row("relative excess over the film", lambda seeds: hgn_report.spread(
          [run["test"]["relative_excess"] for run in seeds]))])


def _refined(longest, limits):
  lines = [_limits(limits, 31, "physical limit, 31 frames")]
  for key, label in (("horizon", "encoder, 16 frames"), ("refined", "refined, 31 frames")):
    lines.append([label, *(_times(longest.get(system), key) for system in SYSTEMS)])
  return markdown_table(["", *SYSTEMS], lines)


def _sizes(longest, sizes):
  labels = {"mle": "dimension of a frame, Levina and Bickel", "two_nn": "the same, TwoNN", "pairs": "pairs found"}
  lines = [[label, *(f"{sizes[system][key]:.3g}" if system in sizes else None for system in SYSTEMS)]
           for key, label in labels.items()]
  lines.append(["pairs of the runs above", *(longest[system][0]["config"]["pairs"] if system in longest else None
                                             for system in SYSTEMS)])
  return markdown_table(["", *SYSTEMS], lines)


def _ablation(runs, limits):
  datasets = [system for system in SYSTEMS if any(system == dataset for _, dataset in runs)]
  columns = [cell for system in datasets for cell in (system, "energy", "steps")]
  lines = [["physical limit", *(cell for system in datasets for cell in (_limit(limits, system, 16), None, None))]]
  for row in dict.fromkeys(row for row, _ in runs):
    cells = [(_times(found, "horizon"), hgn_report.spread([run["law"]["energy_r2"] for run in found]),
              "/".join(str(run["config"]["steps"]) for run in found)) if found else (None,) * 3
             for found in (runs.get((row, system)) for system in datasets)]
    lines.append([row, *(value for cell in cells for value in cell)])
  return markdown_table(["", *columns], lines)


def _provenance(ablation):
  lines = []
  for minutes, runs in ablation.items():
    for (row, dataset), found in runs.items():
      seeds = ",".join(str(run["seed"]) for run in found)
      lines.append([row, dataset, f"{np.mean([run['step_seconds'] for run in found]):.3f}", found[0]["machine"],
                    f"`hgn-reproduce law --rows={row} --datasets={dataset} --minutes={minutes:g} --seeds={seeds}`"])
  return markdown_table(["row", "dataset", "seconds a step", "machine", "command"], lines)


def _limits(limits, context, *labels):
  """The line of a table that gives the physical limit from so many frames."""
  return [*labels, *(_limit(limits, system, context) for system in SYSTEMS)]


def _limit(limits, system, context):
  known = limits.get(f"{system}-{context}")
  return known and " / ".join(f"{known[label]:.0f}" for label in _LABELS)


def _times(runs, key):
  """Median over seeds of the mean valid prediction times, and the range."""
  measured = [run[key] for run in runs or () if run.get(key)]
  if not measured:
    return None
  columns = [sorted(found[label] for found in measured) for label in _LABELS]
  text = " / ".join(f"{np.median(times):.0f}" for times in columns)
  if len(measured) > 1:
    text += f" ({' / '.join(f'{times[0]:.0f}-{times[-1]:.0f}' for times in columns)}; {len(measured)} seeds)"
  return text


def _law(longest, limits):
  labels = {"energy_r2": "R² of the energy", "state_r2": "R² of the state",
            "frequency_error": "relative error of the frequency", "amplitude": "amplitude after 1,000 frames",
            "sharpness": "contrast after 1,000 frames", "energy_drift": "drift of H over 1,000 frames"}
  lines = [[label, *(longest.get(system) and hgn_report.spread([run["law"][key] for run in longest[system]])
                     for system in SYSTEMS)]
           for key, label in labels.items()]
  known = [limits.get(f"{system}-16") for system in SYSTEMS]
  lines.insert(1, ["the same of the physical limit", *(found and f"{found['energy_r2']:.3g}" for found in known)])
  return markdown_table(["", *SYSTEMS], lines)
