"""hgn-train: trains a preset on a dataset; the same command goes on after an interruption.

Example:
  hgn-train --preset=hgn --dataset=mass_spring --workdir=/tmp/run --steps=2000
"""

from absl import flags

from hgn_tf import cli

_PRESET = flags.DEFINE_string("preset", "hgn", "Name in hgn_tf.presets.")
_DATASET = flags.DEFINE_string("dataset", "mass_spring", "TFDS dataset, such as mass_spring or mass_spring/demo.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS keeps its datasets (default: its own).")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, history, configuration.")
_STEPS = flags.DEFINE_integer("steps", None, "Optimiser steps (default: the preset's).", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", None, "Of weights, order and noise (default: the preset's).")
_SET = flags.DEFINE_string("set", None, """Other fields of the preset as JSON, such as '{"kappa": 1e-4}'.""")
_SAVE_EVERY = flags.DEFINE_integer("save_every", 100, "Steps between checkpoints.", lower_bound=1)
_DEVICES = flags.DEFINE_string("devices", "one", """What trains: "one" device; "mirrored": all GPUs of this machine;
"multi_worker": the machines of TF_CONFIG, which share WORKDIR. The batch is spread over them.""")
_TENSORBOARD = flags.DEFINE_bool("tensorboard", False, "Also write curves and pictures to WORKDIR/tensorboard.")


def train(config, dataset, workdir, *, data_dir=None, save_every=100, tensorboard=False, devices="one"):
  """Trains an HGN or a PixelHNN in `workdir` up to `config.steps`, from its newest checkpoint if there is one.

  Args:
    config: HGNConfig or PixelHNNConfig.
    dataset: TFDS name.
    workdir: Workdir.
    data_dir: where TFDS keeps its datasets.
    save_every: steps of an epoch; each ends with a checkpoint and a line of history.
    tensorboard: write curves and pictures too.
    devices: name in `hgn_tf.devices.STRATEGIES`; weights and history do not depend on it.

  Returns:
    The trained model.

  Raises:
    ValueError: the batch cannot be spread evenly over the devices.
  """
  import keras

  from hgn_tf import callbacks, data
  from hgn_tf.devices import is_chief, strategy
  from hgn_tf.models import make
  spread = strategy(devices)
  chief = is_chief(spread)
  if config.batch_size % spread.num_replicas_in_sync:
    raise ValueError(f"batch_size must be a multiple of the {spread.num_replicas_in_sync} devices, "
                     f"got {config.batch_size}.")
  batches = dict(batch_size=config.batch_size, size=config.size, num_frames=config.num_frames, data_dir=data_dir)
  data.train_batches(dataset, **batches)  # complains about a missing dataset before the folder is claimed
  workdir.create(config, dataset, data_dir)
  keras.utils.set_random_seed(config.seed)
  with spread.scope():
    model = make(config)
    model.compile()
    step = workdir.restore(model)
  print(f"{'Going on from step' if step else 'Starting at step'} {step} of {config.steps}: {config.name} on {dataset}, "
        f"workdir {workdir.path}")
  hooks = [callbacks.StopOnNotFinite()]
  if chief:
    hooks.append(callbacks.Checkpoints(workdir))
  if tensorboard and chief:
    frames = next(iter(data.eval_batches(dataset, **{**batches, "batch_size": 8})))
    hooks.append(callbacks.RolloutImages(workdir.path / "tensorboard", frames))
  for length, first, last in _epochs(step, config.steps, save_every):
    frames = data.train_batches(dataset, **batches, seed=config.seed, start_step=first)
    model.fit(frames, steps_per_epoch=length, initial_epoch=first // length, epochs=last // length, callbacks=hooks,
              shuffle=False, verbose="auto" if chief else 0)
  return model


def _epochs(step, steps, save_every):
  """(steps of an epoch, first, last step): whole epochs of `save_every` from `step` on, then one shorter epoch."""
  whole = steps - steps % save_every
  if step < whole:
    yield save_every, step, whole
  if whole < steps:
    yield steps - whole, 0, steps - whole


def main(argv):
  del argv
  from hgn_tf import presets
  from hgn_tf.workdir import Workdir
  if not _WORKDIR.value:
    raise ValueError("--workdir is required: the folder of the run.")
  changes = cli.parse_json_object("set", _SET.value)
  changes.update({key: flag.value for key, flag in (("steps", _STEPS), ("seed", _SEED)) if flag.value is not None})
  train(presets.get(_PRESET.value, **changes), _DATASET.value, Workdir(_WORKDIR.value), data_dir=_DATA_DIR.value,
        save_every=_SAVE_EVERY.value, tensorboard=_TENSORBOARD.value, devices=_DEVICES.value)
  print(f"Done. Next: hgn-evaluate --workdir={_WORKDIR.value}")


def run():
  """Console script."""
  cli.run(main)


if __name__ == "__main__":
  run()
