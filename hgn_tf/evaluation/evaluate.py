"""Everything that is measured and drawn of a trained model, in one folder."""

import numpy as np

from hgn_tf.data import corruption, truth
from hgn_tf.evaluation import evaluator, plots, report
from hgn_tf.evaluation.plots import rollouts
from hgn_tf.training import files, progress

NO_WORLD = ("No true world is known behind these films, so that errors are those against the films as they are, noise "
            "included, also in the relative excess; rollouts at other speeds and beyond the films have nothing to be "
            "held to and are left out.")
_PICTURES = 64  # sequences behind the plots and the speeds


def evaluate(model, dataset, out, *, splits=("train", "test"), limit=None, data_dir=None):
  """Writes metrics.json, table.md, plots, GIFs and report.html to the folder `out`; returns the figures.

  Args:
    model: HGN or PixelHNN.
    dataset: TFDS name.
    out: folder.
    splits: TFDS splits, the last is the one that is drawn.
    limit: sequences of each split; None: all.
    data_dir: where TFDS keeps its datasets.

  Raises:
    ValueError: a model of something else than films.
  """
  if not hasattr(model, "reconstruct"):
    raise ValueError(f"model must be an HGN or a PixelHNN, which know films, got {type(model).__name__}; "
                     "python -m benchmarks.density in a checkout measures densities.")
  stages = ["mean frame", *splits, "pictures", "samples", "other speeds"]
  with files.written_beside(out) as beside, corruption.named(dataset, data_dir), \
      progress.stages("Evaluating", stages) as begin:
    return _evaluate(model, dataset, beside, splits, limit, data_dir, begin)


def _evaluate(model, dataset, out, splits, limit, data_dir, begin):
  begin("mean frame")
  measured = evaluator.Evaluator(dataset, size=model.config.size, num_frames=model.config.num_frames,
                                 data_dir=data_dir, limit=limit)
  figures = {}
  for split in splits:
    begin(split)
    figures[split] = measured.split(model, split)
  driven = bool(model.config.inputs)
  films = next(iter(measured.batches(splits[-1], controls=driven).unbatch().batch(_PICTURES)))
  frames = (films["frames"] if driven else films).numpy()
  world = truth.load(dataset, split=splits[-1], take=len(frames), data_dir=data_dir)
  begin("pictures")
  parts = [report.table(*table(figures))]
  if plots.available():
    controls = films["controls"][:4] if driven else None
    parts += [*_plots(out, model, figures[splits[-1]]), *_pictures(out, model, frames, controls)]
  found = {"dataset": dataset, "model": model.config.to_dict(), **figures}
  if hasattr(model, "sample"):  # a PixelHNN has no prior
    begin("samples")
    found["samples"] = measured.samples(model, splits[-1])
  if world and world.controls is None:  # a driven world has one speed
    begin("other speeds")
    more, pictures = _worlds(out, model, frames, world, figures[splits[-1]]["mean_image"])
    found, parts = {**found, **more}, parts + pictures
  elif not world:
    parts.append(report.paragraph(NO_WORLD))
  files.write_json(out / "metrics.json", found)
  files.write_bytes(out / "table.md", report.markdown_table(*table(figures)).encode())
  report.write(out / "report.html", f"{model.config.name} on {dataset}", parts)
  return figures


def table(figures):
  """(header, rows) of the figures of each split, as `report.table` takes them."""
  rows = {
      "sequences": "sequences", "MSE x1e4": "mse", "spread over sequences x1e4": "mse_std",
      "mean training frame x1e4": "mean_image", "first frame repeated x1e4": "first_frame",
      "noise floor x1e4": "noise_floor", "relative excess": "relative_excess",
      "valid prediction time, frames": "valid_prediction_time", "variance of H x1e4": "energy_variance",
      "drift of H / spread of H": "energy_drift", "reversal error": "reversal_error"}
  scaled = {label: 1e4 if label.endswith("x1e4") else 1 for label in rows}
  known = {label: key for label, key in rows.items() if all(key in split for split in figures.values())}
  return ["", *figures], [[label, *(split[key] * scaled[label] for split in figures.values())]
                          for label, key in known.items()]


def _plots(out, model, split):
  time = np.arange(model.config.num_frames) * model.config.dt
  rollouts.lines(out / "per_frame_mse.png", {
      "HGN": (time, split["per_frame"]), "mean training frame": (time, split["per_frame_mean_image"]),
      "first frame repeated": (time, split["per_frame_first_frame"]),
      **({"noise floor": (time, np.full(len(time), split["noise_floor"]))} if split.get("noise_floor") else {})},
      ylabel="pixel MSE", log=True)
  parts = [report.figure(out / "per_frame_mse.png", "Error of each frame of the rollout.")]
  if "energy" not in split:  # a LatentODE has none
    return parts
  energy = np.asarray(split["energy"])
  rollouts.lines(out / "energy.png", {f"sequence {i}": (time, row) for i, row in enumerate(energy[:5])},
                 ylabel="learned H")
  return [*parts, report.figure(out / "energy.png",
                                "The learned energy along five rollouts: a good model draws level lines.")]


def _pictures(out, model, frames, controls):
  four = frames[:4]
  if controls is None:
    predicted = evaluator.unroll(model, four, model.config.num_frames - 1)
  else:
    predicted = model.reconstruct(four, controls=controls).numpy()
  rollouts.animation(out / "reconstruction.gif", [("data", four), ("model", predicted)])
  parts = [report.figure(out / "reconstruction.gif", "Test sequences and their rollouts from one inferred state.")]
  if hasattr(model, "sample"):  # a PixelHNN has no prior
    samples = model.sample(16, seed=0).numpy()
    rollouts.animation(out / "samples.gif", [(f"prior {i + 1}", samples[4 * i:4 * i + 4]) for i in range(4)])
    parts.append(report.figure(out / "samples.gif", "Samples: z from the prior, rolled out."))
  return parts


def _worlds(out, model, frames, world, trivial):
  """Figures and report parts that need the true world: other speeds and a long rollout, against clean frames."""
  speeds = evaluator.speeds(model, frames, world)
  long = evaluator.extrapolation(model, frames[:16], world.part(0, 16))
  found = {"speeds": {name: mse for name, (mse, _, _) in speeds.items()}, "extrapolation": long.tolist()}
  rows = [[name, 1e4 * mse, mse / trivial] for name, (mse, _, _) in speeds.items()]
  parts = [report.heading("Time in other directions"),
           report.table(["rollout", "MSE to clean truth x1e4", "over mean image's MSE"], rows)]
  return found, parts + (_world_pictures(out, model, speeds, long, trivial) if plots.available() else [])


def _world_pictures(out, model, speeds, long, trivial):
  pairs = [pair for name, (_, predicted, true) in speeds.items() for pair in ((name, true), ("model", predicted))]
  rollouts.strips(out / "speeds.png", [(label, films[0]) for label, films in pairs])
  rollouts.animation(out / "speeds.gif", [(label, films[:3]) for label, films in pairs])
  time = np.arange(len(long)) * model.config.dt
  rollouts.lines(out / "extrapolation.png", {"HGN": (time, long), "mean training frame": (time, 0 * long + trivial)},
                 ylabel="pixel MSE", log=True)
  return [report.figure(out / "speeds.gif", "One inferred state, rolled out forward, backward, faster and slower."),
          report.figure(out / "speeds.png", "The first of them, every third frame."),
          report.figure(out / "extrapolation.png", f"A rollout of {len(long) - 1} frames, against the clean truth.")]
