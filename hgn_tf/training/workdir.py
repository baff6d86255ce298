"""A training run's folder: its configuration, checkpoints by step, and history.

    W/config.json        dataset, class of the model and its config
    W/checkpoints/       tf.train.Checkpoint of model and optimizer, named by step
    W/history.jsonl      one line per logged step
    W/.lock              the process that trains
    W/evaluation/        what hgn-evaluate writes
"""

import contextlib
import json
import pathlib

import tensorflow as tf

from hgn_tf import models
from hgn_tf.data import corruption
from hgn_tf.training import files, locks
from hgn_tf.training.results import plain

_STEPS = "train_steps"


class Workdir:
  """A run's folder; reading it changes nothing.

  Args:
    path: the folder; need not exist.
  """

  def __init__(self, path):
    self.path = pathlib.Path(path)
    self._config_file = self.path / "config.json"

  def create(self, config, dataset, data_dir=None):
    """Claims the folder for a run, or finds it claimed by the same one.

    A run that ended before its first checkpoint has no claim: there is nothing to go on from.

    Raises:
      ValueError: the folder belongs to a run of another preset, dataset or setting; names the differences.
    """
    wanted = {"dataset": dataset, "data_dir": data_dir, "class": type(config).__name__, "model": plain(config)}
    if not (self._config_file.exists() and self.latest_step()):
      files.write_json(self._config_file, wanted)
      return
    there = self._settings()
    if there["class"] == wanted["class"]:  # fields younger than the folder count as defaults
      there["model"] = plain(self.config)
    changed = [f"{key}: {old!r} there, {new!r} asked" for key, old, new in _differences(there, wanted)]
    if changed:
      raise ValueError(f"workdir {self.path} belongs to another run ({'; '.join(changed)}); choose another --workdir.")

  def locked(self):
    """A context in which no other process trains in the folder.

    Raises:
      ValueError: another process does; names its number.
    """
    return locks.only_one(self.path / ".lock", f"workdir {self.path}")

  @property
  def config(self):
    """The config of the run: an HGNConfig or a PixelHNNConfig."""
    settings = self._settings()
    return getattr(models, settings["class"]).from_dict(settings["model"])

  @property
  def dataset(self):
    """TFDS name of the dataset the run trains on."""
    return self._settings()["dataset"]

  @property
  def data_dir(self):
    """Where the dataset lies, None for the default of TFDS."""
    return self._settings().get("data_dir")

  def latest_step(self):
    """The step of the newest whole checkpoint; 0 if there is none."""
    latest = self._latest()
    return int(latest.rsplit("-", 1)[1]) if latest else 0

  def load_model(self):
    """The model of the newest checkpoint, compiled.

    Raises:
      ValueError: no run, no checkpoint, or a checkpoint of another shape.
    """
    model = models.make(self.config)
    model.compile()
    if not self.restore(model):
      raise ValueError(f"workdir {self.path} has no checkpoint yet; run hgn-train --workdir={self.path} first.")
    return model

  def restore(self, model):
    """Restores model and optimizer from the newest checkpoint; returns its step, 0 if there is none.

    Raises:
      ValueError: the checkpoint's variables have other shapes than the model's, or its files are corrupted.
    """
    latest = self._latest()
    if latest is None:
      return 0
    variables = _variables(model)
    with _naming(latest):
      _check_shapes(latest, model)
      older = _STEPS in variables and _STEPS not in _stored_shapes(latest)
      if older:  # a folder from before models counted their own steps: those of its optimizer
        del variables[_STEPS]
      tf.train.Checkpoint(**variables).restore(latest).assert_existing_objects_matched().expect_partial()
    if older:
      model.train_steps.assign(model.optimizer.iterations)
    return self.latest_step()

  def manager(self, model, max_to_keep=2):
    """tf.train.CheckpointManager of model and optimizer."""
    folder = str(self.path / "checkpoints")
    return tf.train.CheckpointManager(_checkpoint(model), folder, max_to_keep, checkpoint_name="step")

  def history(self):
    """Logged steps, a list of dicts."""
    path = self.path / "history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

  def write_history(self, rows):
    """Replaces the history."""
    files.write_bytes(self.path / "history.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())

  def _latest(self):
    """Path of the newest whole checkpoint, None where none was ever finished."""
    folder = self.path / "checkpoints"
    if not (folder / "checkpoint").exists():  # written last: what it does not name is not whole
      return None
    state = tf.train.get_checkpoint_state(folder)
    whole = [path for path in state.all_model_checkpoint_paths if tf.io.gfile.exists(f"{path}.index")] if state else []
    if not whole:  # starting anew would overwrite what can still be saved
      raise ValueError(f"{folder / 'checkpoint'} is corrupted: it names no checkpoint that is there; restore it, or "
                       f"remove {folder} to start anew.")
    return whole[-1]

  def _settings(self):
    if not self._config_file.exists():
      raise ValueError(f"workdir {self.path} holds no run (no config.json); run hgn-train --workdir={self.path} first.")
    return files.read_json(self._config_file)


@contextlib.contextmanager
def _naming(path):
  """Turns what TensorFlow says of corrupted files into an error that names the checkpoint and the way on."""
  try:
    yield
  except tf.errors.ResourceExhaustedError:
    raise
  except (tf.errors.OpError, IndexError) as error:
    raise ValueError(f"checkpoint {path} is corrupted ({corruption.reason(error)}); remove {path}.* to go on from the "
                     "one before it.") from error


def _checkpoint(model):
  return tf.train.Checkpoint(**_variables(model))


def _variables(model):
  """Name -> plain variable of model and optimizer: Keras objects restore lazily, and would hide a mismatch."""
  model.optimizer.build(model.trainable_variables)
  steps = getattr(model, _STEPS, None)
  variables = [v for v in (*model.weights, *model.optimizer.variables) if v is not steps]
  named = {f"v{i:04d}": variable.value for i, variable in enumerate(variables)}
  return named if steps is None else {**named, _STEPS: steps.value}


def _check_shapes(path, model):
  stored = {key: shape for key, shape in _stored_shapes(path).items() if key.startswith("v")}
  wanted = {name: tuple(variable.shape) for name, variable in _variables(model).items() if name != _STEPS}
  differing = [f"{name} is {stored.get(name)} there and {wanted.get(name)} in the model"
               for name in sorted(stored.keys() | wanted.keys()) if stored.get(name) != wanted.get(name)]
  if differing:
    raise ValueError(f"checkpoint {path} does not fit the model {model.config.name!r}: {differing[0]}"
                     + (f", and {len(differing) - 1} more." if len(differing) > 1 else "."))


def _stored_shapes(path):
  stored = tf.train.load_checkpoint(path).get_variable_to_shape_map()
  return {key.split("/")[0]: tuple(shape) for key, shape in stored.items()}


def _differences(old, new, prefix=""):
  for key in sorted(set(old) | set(new)):
    a, b = old.get(key), new.get(key)
    if isinstance(a, dict) and isinstance(b, dict):
      yield from _differences(a, b, f"{prefix}{key}.")
    elif a != b:
      yield f"{prefix}{key}", a, b

