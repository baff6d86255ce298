"""Trains a model in a folder, from where it was."""

import contextlib

import keras

from hgn_tf import data
from hgn_tf.data import corruption
from hgn_tf.models import HGNConfig, HNNConfig, PixelHNNConfig, make
from hgn_tf.training import callbacks, transfer
from hgn_tf.training.devices import check_same_step, is_chief, strategy

_PRIOR_BATCH, _PRIOR_BATCHES = 500, 8  # films that the prior is fitted to


def train(config, dataset, workdir, *, data_dir=None, save_every=100, tensorboard=False, devices="one",
          validation=None, init=None):
  """Trains an HGN or a PixelHNN in `workdir` up to `config.steps`, from its newest checkpoint if there is one.

  Args:
    config: HGNConfig or PixelHNNConfig.
    dataset: TFDS name.
    workdir: Workdir.
    data_dir: where TFDS keeps its datasets.
    save_every: steps of an epoch; each ends with a checkpoint and a line of history.
    tensorboard: write curves and pictures too.
    devices: name in `hgn_tf.training.devices.STRATEGIES`; weights and history do not depend on it.
    init: trained model that a run begins from, where shapes fit; it has no say in one that goes on.
    validation: batches that the model is tested on after every epoch, as `keras.Model.fit` does: `val_mse`.

  Returns:
    The trained model.

  Raises:
    ValueError: a config of another model or of films that the dataset has not, an `init` of which nothing fits, a batch
      that cannot be spread evenly over the devices, a folder that another process trains in, or a corrupted dataset.
  """
  _check_trainable(config)
  spread = strategy(devices)
  chief = is_chief(spread)
  if config.batch_size % spread.num_replicas_in_sync:
    raise ValueError(f"batch_size must be a multiple of the {spread.num_replicas_in_sync} devices, "
                     f"got {config.batch_size}.")
  batches = dict(batch_size=config.batch_size, size=config.size, num_frames=config.num_frames, data_dir=data_dir)
  with corruption.named(dataset, data_dir):
    first = data.train_batches(dataset, **batches, controls=bool(config.inputs))
    _check_films(first, config, dataset)  # before the folder is claimed
    with workdir.locked() if chief else contextlib.nullcontext():
      workdir.create(config, dataset, data_dir)
      hooks = [callbacks.Checkpoints(workdir)] if chief else []
      if tensorboard and chief:
        frames = next(iter(data.eval_batches(dataset, **{**batches, "batch_size": 8})))
        hooks.append(callbacks.RolloutImages(workdir.path / "tensorboard", frames))
      return _train(config, dataset, workdir, spread, batches, hooks, save_every, validation, init)


def _train(config, dataset, workdir, spread, batches, hooks, save_every, validation, init):
  """The trained model, from the newest checkpoint of a claimed folder on."""
  keras.utils.set_random_seed(config.seed)
  with spread.scope():
    model = make(config)
    model.compile()
    step = workdir.restore(model)
    if init is not None and not step:
      print(f"From {init.config.name}: {transfer.told(transfer.take_over(model, init))}")
  check_same_step(spread, step)
  print(f"{'Going on from step' if step else 'Starting at step'} {step} of {config.steps}: {config.name} on {dataset}, "
        f"workdir {workdir.path}")
  if getattr(config, "prior_rank", 0):
    films = data.eval_batches(dataset, **{**batches, "batch_size": _PRIOR_BATCH}, split="train").take(_PRIOR_BATCHES)
    hooks = [callbacks.FitPrior(films, config.steps), *hooks]  # before the last checkpoint is written
  for first, length, count in _epochs(step, config.steps, save_every):
    frames = data.train_batches(dataset, **batches, seed=config.seed, start_step=first,
                                controls=bool(config.inputs))
    done = first // save_every
    model.fit(frames, steps_per_epoch=length, initial_epoch=done, epochs=done + count, callbacks=hooks,
              validation_data=validation, shuffle=False, verbose="auto" if is_chief(spread) else 0)
  return model


def _check_trainable(config):
  """Raises a ValueError that says what trains a model that does not learn from frames."""
  if not isinstance(config, (HGNConfig, PixelHNNConfig)):
    name, kind = config.name, type(config).__name__.removesuffix("Config")
    how = "HNN.fit, or hgn-reproduce hnn" if isinstance(config, HNNConfig) else (
        f"{kind}.fit, or python -m benchmarks.density in a checkout")
    raise ValueError(f"{name!r} does not learn from the frames of a TFDS dataset; what trains it is {how}.")


def _check_films(batches, config, dataset):
  """Raises a ValueError where the films of a dataset are not those of the config."""
  spec = batches.element_spec
  if isinstance(spec, dict):
    found = spec["controls"].shape[-1]
    if found != config.inputs:
      raise ValueError(f"inputs must fit the controls of {dataset!r}, {found}, got {config.inputs}.")
    spec = spec["frames"]
  found = spec.shape[1:]
  if not found.is_compatible_with(config.frame_shape):
    raise ValueError(f"num_frames, size and channels must fit the films of {dataset!r}, {found.as_list()}, "
                     f"got {list(config.frame_shape)}.")


def _epochs(step, steps, save_every):
  """(first step, steps of an epoch, epochs): up to a multiple of `save_every`, whole epochs of it, what is left."""
  while step < steps:
    length = min(save_every - step % save_every, steps - step)
    count = (steps - step) // save_every if length == save_every else 1
    yield step, length, count
    step += length * count
