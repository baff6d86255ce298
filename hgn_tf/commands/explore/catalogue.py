"""The models that a page offers, by name; each is loaded when it is first asked for."""

import functools
import pathlib
import threading

from hgn_tf import physics, pretrained
from hgn_tf.evaluation.explorer.subjects import Exported, Trained
from hgn_tf.training.workdir import Workdir

_FIRST = "hgn_compact_two_body"  # what is shown where nothing is given


class Catalogue:
  """Names and models: workdirs and exports as given, then the HGNs in the box, the one of `_FIRST` before the others.

  Args:
    workdirs: folders of runs of hgn-train.
    exports: directories that hgn-export wrote, of one model or several.

  Attributes:
    stored: name -> (dataset, data_dir) of the films that a run was trained on and that no world is known behind.

  Raises:
    ValueError: a workdir without a run, or a directory without an export.
  """

  def __init__(self, workdirs=(), exports=()):
    self._lock = threading.Lock()
    self._loaders, self._systems, self.stored = {}, {}, {}
    for folder in workdirs:
      self._add_workdir(pathlib.Path(folder))
    for folder in exports:
      for path in _newest_versions(pathlib.Path(folder)):
        self._add(f"{path.parent.name} ({path})", functools.partial(Exported, path), path.parent.name)
    box = [name for name in pretrained.names() if pretrained.card(name)["class"] in ("HGN", "CompactHGN")]
    for name in sorted(box, key=lambda name: name != _FIRST):
      load = lambda name=name: Trained(pretrained.load_pretrained(name))  # noqa: E731
      self._add(name, load, pretrained.card(name)["dataset"])
    self._loaded = {}

  @property
  def names(self):
    """Of all models."""
    return list(self._loaders)

  @property
  def worlds(self):
    """What test films can be taken from: simulated systems, then the datasets of runs."""
    return [*physics.SYSTEMS, *self.stored]

  def system(self, name):
    """The one of `worlds` whose films a model was trained on, as far as its name tells; else the first one."""
    return self._systems.get(name, next(iter(physics.SYSTEMS)))

  def subject(self, name):
    """The model called `name`.

    Raises:
      ValueError: unknown name, or a model that cannot be loaded.
    """
    if name not in self._loaders:
      raise ValueError(f"Unknown model {name!r}; known: {', '.join(self.names)}.")
    with self._lock:
      if name not in self._loaded:
        self._loaded[name] = self._loaders[name]()
      return self._loaded[name]

  def _add_workdir(self, path):
    workdir = Workdir(path)
    name = f"{workdir.config.name} ({path})"
    if not workdir.latest_step():
      raise ValueError(f"workdir {path} has no checkpoint yet; run hgn-train --workdir={path} first.")
    self._add(name, lambda: Trained(workdir.load_model()), workdir.dataset.split("/")[0])
    if name not in self._systems:
      self._systems[name] = f"{workdir.dataset} ({path})"  # two runs may have built other films by the same name
      self.stored[self._systems[name]] = workdir.dataset, workdir.data_dir

  def _add(self, name, load, told):
    self._loaders[name] = load
    self._systems.update((name, system) for system in physics.SYSTEMS if system in told)


def _newest_versions(folder):
  """The newest version of each model in `folder`: of itself where it holds versions, else of its children."""
  found = [max(versions, key=lambda path: int(path.name)) for base in (folder, *sorted(folder.glob("*")))
           if (versions := [path.parent for path in base.glob("*/saved_model.pb") if path.parent.name.isdigit()])]
  if not found:
    raise ValueError(f"exports must be a directory that hgn-export wrote, with versions 1, 2, ... of one model or of "
                     f"several, got {folder}, where there are none.")
  return [path.absolute() for path in found]
