"""One run of the pixel experiments: train a row of the tables on a dataset, measure it, one JSON file."""

import pathlib

from hgn_tf import data
from hgn_tf.commands.reproduce import timing
from hgn_tf.commands.reproduce.one_run import OneRun, make_once, result_path
from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator, law
from hgn_tf.models import CompactHGN, PixelHNN, presets
from hgn_tf.training import files, progress
from hgn_tf.training.loop import train
from hgn_tf.training.workdir import Workdir

SYSTEMS = ("mass_spring", "pendulum", "two_body", "three_body")
EMBEDDING = dict(zip(SYSTEMS, (2, 2, 8, 12), strict=True))  # of the PixelHNNs (A.3)
# Of the HGNs: about the noise floor, 5.1e-4, where the multiplier stays at its bound, the ELBO with that variance of a
# pixel; 2e-4 where there is no observation noise.
KAPPA = dict(zip(SYSTEMS, (5e-4, 5e-4, 2e-4, 2e-4), strict=True))

PAIRS = dict(zip(SYSTEMS, (1, 1, 2, 6), strict=True))  # of the compact HGNs

# Row -> (preset, changes to it). The models of the tables.
MODELS = {
    "hgn": ("hgn", {}),
    "hgn_euler": ("hgn_euler", {}),
    "hgn_determ": ("hgn_determ", {}),
    "hgn_no_fpsi": ("hgn_no_fpsi", {}),
    "hgn_appendix": ("hgn_appendix", {}),
    "hgn_bootstrapped": None,  # its results stay, its model is gone: docs/law.md
    "hgn_windows": None,
    "pixel_hnn": ("pixel_hnn", {}),
    "pixel_hnn_conv": ("pixel_hnn_conv", {}),
}
# What the default recipe adds to the paper's, taken away one at a time.
ABLATIONS = {
    "paper_recipe": ("hgn_paper_recipe", {}),
    "raw_frames": ("hgn", dict(centre_frames=False)),
    "glorot": ("hgn", dict(kernel_initializer="glorot_uniform")),
    "wide_posterior": ("hgn", dict(log_std_offset=0.0)),
    "narrow_posterior": ("hgn", dict(log_std_rise=None)),
    "plain_energies": ("hgn", dict(energy_residual=False)),
    "all_frames_at_once": ("hgn", dict(horizon_steps=0)),
    "kl_at_once": ("hgn", dict(kl_warmup=None)),
    "no_clipping": ("hgn", dict(clip_norm=None)),
    "standard_prior": ("hgn", dict(prior_rank=0)),
    "bfloat16": ("hgn", dict(precision="mixed_bfloat16")),
    # More frames a step make a step longer: the schedules are shorter by as much, so that equal times see equal parts.
    "decode_8": ("hgn", dict(frames_per_step=8, horizon_steps=7, kl_warmup=(180, 480))),
    "decode_31": ("hgn", dict(frames_per_step=None, horizon_steps=2, kl_warmup=(60, 160))),
}
# A compact HGN, and what makes it learn the law taken away or added one at a time.
LAW = {
    "hgn_compact": ("hgn_compact", {}),
    "eight_pairs": ("hgn_compact", dict(pairs=8)),
    "context_5": ("hgn_compact", dict(context=5)),
    "context_8": ("hgn_compact", dict(context=8)),
    "context_24": ("hgn_compact", dict(context=24)),
    "kinetic_mlp": ("hgn_compact", dict(kinetic_hidden=(64, 64))),
    "no_radii": ("hgn_compact", dict(radii=0)),
    "gain_1": ("hgn_compact", dict(energy_gain=1.0)),
    "first_window": ("hgn_compact_variant", dict(windows="first")),
    "forward_only": ("hgn_compact_variant", dict(directions="forward")),
    "conv_decoder": ("hgn_compact_variant", dict(conv_decoder=True, frames_per_step=4)),
    "time_reversal": ("hgn_compact_variant", dict(time_reversal=True)),
    "consistency": ("hgn_compact_variant", dict(consistency=0.1)),
    "bootstrap": ("hgn_compact_variant", dict(bootstrap=0.1)),
}
ROWS = {row: made for row, made in {**MODELS, **ABLATIONS, **LAW}.items() if made}
LAW_FILMS, LONG_FILMS = 200, 8  # test films whose energies and states are compared; that are rolled out for long
REFINE = 20  # iterations from all frames of a film
VALIDATION = 48  # test sequences of the learning curve
POINTS = 13  # of a learning curve, or more: at most 100 steps apart


class Run(OneRun):
  """A row of the tables for one dataset and seed."""

  ROWS, SYSTEMS = ROWS, SYSTEMS

  @property
  def config(self):
    """HGNConfig or PixelHNNConfig, of a run whose steps are known."""
    return self.config_of(self.steps)

  def config_of(self, steps):
    """HGNConfig or PixelHNNConfig of a run of so many steps; None: the preset's."""
    preset, changes = ROWS[self.row]
    own = {"pixel": {"embedding": EMBEDDING}, "compact": {"pairs": PAIRS}}.get(_kind(preset), {"kappa": KAPPA})
    steps = {} if steps is None else {"steps": steps}
    return presets.get(preset, **{**{key: table[self.system] for key, table in own.items()}, **changes}, **steps,
                       seed=self.seed)


def _kind(preset):
  """"pixel", "compact" or "grid", by what state the preset's model has."""
  return "pixel" if preset.startswith("pixel_hnn") else "compact" if preset.startswith("hgn_compact") else "grid"


def make(run, results, workdirs, data_dir=None, limit=None, threads=None):
  """Performs a run unless it is done, with so many threads of TensorFlow; returns what was found, in words."""
  return make_once(perform, _said, run, results, workdirs, threads=threads, data_dir=data_dir, limit=limit)


def _said(found):
  test = found["test"]
  return f"test MSE x1e4 {1e4 * test['mse']:.2f}, relative excess {test['relative_excess']:.3f}"


def perform(run, results, workdirs, *, data_dir=None, limit=None, made_on=""):
  """Trains a run in its own folder of `workdirs`, from where it was, and writes its JSON to `results`.

  Args:
    run: Run.
    results: folder of the JSON files.
    workdirs: folder of the Workdirs.
    data_dir: where TFDS keeps its datasets.
    limit: sequences of each split to measure on; None: all.
    made_on: words that say where it ran.
  """
  workdir = Workdir(pathlib.Path(workdirs) / run.name)
  config, planned, validation = run.config, {}, None
  if run.is_timed:
    seconds, steps = timing.planned(run, workdir.path, data_dir)
    config, planned = run.config_of(steps), {"minutes": run.minutes, "step_seconds": seconds}
  if hasattr(config, "kappa"):  # PixelHNNs learn from windows: their error along a rollout is measured at the end
    validation = data.eval_batches(run.dataset, batch_size=VALIDATION, size=config.size, num_frames=config.num_frames,
                                   data_dir=data_dir).take(1)
  model = train(config, run.dataset, workdir, data_dir=data_dir, validation=validation,
                save_every=min(100, max(10, config.steps // POINTS)))
  with progress.stages("Measuring", ["mean frame", "train", "test", "samples", "horizon", "law"]) as begin:
    found = _measure(model, run, data_dir, limit, begin)
  history = workdir.history()
  files.write_json(result_path(results, run), {
      "row": run.row, "dataset": run.dataset, "seed": run.seed, "machine": made_on, "config": config.to_dict(),
      **planned, **{key: history[-1][key] for key in ("seconds", "cpu_seconds")}, "history": history, **found})
  return found


def _measure(model, run, data_dir, limit, begin):
  begin("mean frame")
  measured = evaluator.Evaluator(run.dataset, size=model.config.size, num_frames=model.config.num_frames,
                                 data_dir=data_dir, limit=limit)
  found = {}
  for split in ("test",) if run.is_timed else ("train", "test"):
    begin(split)
    found[split] = measured.split(model, split)
  if hasattr(model, "sample") and not run.is_timed:  # a PixelHNN has no prior
    begin("samples")
    found["samples"] = measured.samples(model)
  begin("horizon")
  found["horizon"] = measured.horizon(model)
  begin("law")
  return {**found, **_law(model, run, measured, data_dir)}


def _law(model, run, measured, data_dir):
  """Whether it is the law, where there is an energy and a true world; and what refining a compact state gives."""
  world = truth.load(run.dataset, take=LAW_FILMS, data_dir=data_dir)
  if isinstance(model, PixelHNN) or world is None:
    return {}
  frames = measured.first("test", LAW_FILMS)
  compared = law.compare(model, frames, world.part(0, len(frames)))
  if run.is_timed:
    return {"law": compared.figures()}
  found = {"law": {**compared.figures(), **law.endurance(model, frames[:LONG_FILMS])}}
  if isinstance(model, CompactHGN):
    found["refined"] = measured.horizon(model, lambda films: model.infer(films, refine=REFINE))
  return found
