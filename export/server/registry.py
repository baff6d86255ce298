"""Which versions of which models are served, as models.config says; loads and unloads them while requests go on."""

import contextlib
import dataclasses
import pathlib
import threading

import tensorflow as tf
from absl import logging
from tensorflow_serving.apis import prediction_log_pb2

from export import common, configs
from export.server.loader import RequestError, SessionModel
from export.warmup import WARMUP


@dataclasses.dataclass
class Version:
  """One version of a model.

  Attributes:
    path: directory of the SavedModel.
    state: LOADING, AVAILABLE, UNLOADING or END, as TensorFlow Serving names them.
    error: why it could not be loaded.
    model: SessionModel while AVAILABLE.
    max_rows: most rows of a request, None for any number.
    users: requests that are running.
  """

  path: pathlib.Path
  state: str = "LOADING"
  error: str = ""
  model: SessionModel | None = None
  max_rows: int | None = None
  users: int = 0


@dataclasses.dataclass(frozen=True)
class Wanted:
  """What models.config asks for: the versions of a model and their labels."""

  base: pathlib.Path
  versions: tuple
  labels: dict


class Registry:
  """The models of a serving directory.

  Args:
    root: directory that hgn-export wrote.
  """

  def __init__(self, root):
    self.root = pathlib.Path(root).absolute()
    self._changed = threading.Condition()
    self._versions, self._labels = {}, {}  # name -> {number: Version}; name -> {label: number}

  def refresh(self):
    """Loads what is wanted and not there, then unloads what is there and not wanted."""
    wanted = read_wanted(self.root)
    for name, model in wanted.items():
      known = self._versions.setdefault(name, {})
      for number in model.versions:
        if number not in known or (known[number].state == "END" and not known[number].error):
          self._load(name, number, model.base / str(number))
      self._labels[name] = model.labels
    for name, known in list(self._versions.items()):
      for number in [n for n in known if n not in (wanted[name].versions if name in wanted else ())]:
        self._unload(name, number)

  @property
  def names(self):
    """Names of the models that are or were wanted."""
    return self._versions.keys()

  @contextlib.contextmanager
  def use(self, name, version=None, label=None):
    """Yields (number, Version) of an available version, which stays loaded meanwhile; by default the newest.

    Raises:
      RequestError: no such model, version or label, or it is not available.
    """
    with self._changed:
      number, entry = self._find(name, version, label)
      entry.users += 1
    try:
      yield number, entry
    finally:
      with self._changed:
        entry.users -= 1
        self._changed.notify_all()

  def status(self, name, version=None, label=None):
    """number -> Version of the versions of a model that were ever wanted, or of the one asked for.

    Raises:
      RequestError: no such model, version or label.
    """
    with self._changed:
      known = self._versions.get(name)
      if not known:
        raise RequestError(f"Could not find any versions of model {name}", "NOT_FOUND")
      number = self._number(name, version, label)
      if number is not None and number not in known:
        raise RequestError(f"Could not find version {number} of model {name}", "NOT_FOUND")
      return {n: known[n] for n in sorted(known, reverse=True) if number in (None, n)}

  def close(self):
    """Unloads everything, waiting for requests that are running."""
    for name, known in list(self._versions.items()):
      for number in list(known):
        self._unload(name, number)

  def _number(self, name, version, label):
    if label is None:
      return version
    if label not in self._labels.get(name, {}):
      raise RequestError(f"Servable not found for request: {name}, label {label}", "NOT_FOUND")
    return self._labels[name][label]

  def _find(self, name, version, label):
    available = {n: v for n, v in self._versions.get(name, {}).items() if v.state == "AVAILABLE"}
    number = self._number(name, version, label)
    number = max(available, default=None) if number is None else number
    if number not in available:
      asked = "Latest" if version is None and label is None else "Specific"
      raise RequestError(f"Servable not found for request: {asked}({name}{'' if number is None else f', {number}'})",
                         "NOT_FOUND")
    return number, available[number]

  def _load(self, name, number, path):
    entry = self._versions[name][number] = Version(path)
    try:
      sizes = common.read_metadata(path).get("batch_sizes")
      entry.max_rows = sizes and sizes[-1]
      entry.model = SessionModel(path)
      replay_warmup(entry.model, path)
      entry.state = "AVAILABLE"
      logging.info("Loaded %s version %d from %s", name, number, path)
    except (OSError, RuntimeError, ValueError, tf.errors.OpError) as error:
      entry.state, entry.error = "END", str(error)
      logging.error("Could not load %s version %d from %s: %s", name, number, path, error)

  def _unload(self, name, number):
    entry = self._versions[name][number]
    if entry.state != "AVAILABLE":
      return
    with self._changed:
      entry.state = "UNLOADING"
      self._changed.wait_for(lambda: entry.users == 0)
    entry.model.close()
    entry.model, entry.state = None, "END"
    logging.info("Unloaded %s version %d", name, number)


def replay_warmup(model, path):
  """Runs the warm-up requests of the version at `path`, if it has any; returns how many."""
  file = pathlib.Path(path) / WARMUP
  count = 0
  for record in tf.compat.v1.io.tf_record_iterator(str(file)) if file.exists() else ():
    request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
    model.run(request.model_spec.signature_name, {key: tf.make_ndarray(x) for key, x in request.inputs.items()})
    count += 1
  return count


def read_wanted(root):
  """model name -> Wanted, from models.config in `root`; without one the newest version of every model.

  Raises:
    ValueError: no models, or a models.config that cannot be read.
  """
  models = configs.models_in(root)
  if not (root / configs.MODELS).exists():
    return {name: Wanted(base, tuple(common.versions(base)[-1:]), {}) for name, base in models.items()}
  entries = configs.read_models(root / configs.MODELS).model_config_list.config
  wanted = {}
  for entry in entries:
    base = models.get(pathlib.PurePosixPath(entry.base_path).name, root / entry.name)
    wanted[entry.name] = Wanted(base, _policy_versions(entry.model_version_policy, base), dict(entry.version_labels))
  return wanted


def _policy_versions(policy, base):
  there = common.versions(base)
  if policy.HasField("specific"):
    return tuple(number for number in policy.specific.versions if number in there)
  return tuple(there) if policy.HasField("all") else tuple(there[-max(1, policy.latest.num_versions):])
