"""Trained models that come with the package.

    NAME.json         class, config, dataset and figures
    NAME.weights.h5   float32 weights
    NAME.md           model card
"""

import hashlib
import math
import pathlib

import h5py

from hgn_tf.training import files

_FOLDER = pathlib.Path(__file__).parent


def names():
  """The known trained models, sorted."""
  return sorted(path.stem for path in _FOLDER.glob("*.json"))


def card(name):
  """What is known of a trained model: class, config, dataset, figures.

  Raises:
    ValueError: unknown name; lists the known ones.
  """
  if name not in names():
    raise ValueError(f"Unknown trained model {name!r}; known: {', '.join(names())}.")
  return files.read_json(_FOLDER / f"{name}.json")


def load_pretrained(name):
  """The trained model called `name`, such as "hgn_mass_spring".

  Raises:
    ValueError: unknown name; lists the known ones. Or its weights are not those that were written with its card.
  """
  from hgn_tf import models  # slow: TensorFlow
  description = card(name)
  model = getattr(models, description["class"])(description["config"])
  path = _FOLDER / f"{name}.weights.h5"
  found = checksum(path)
  if found != description.get("sha256", found):
    raise ValueError(f"{path} is corrupted: its checksum is {found}, that of its card {description['sha256']}; install "
                     "the package again.")
  model.load_weights(path)
  return model


def checksum(path):
  """SHA-256 of a file, in hexadecimal."""
  return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def parameters(model):
  """Trainable numbers of a model."""
  return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def save(name, model, card_text, facts, folder=_FOLDER):
  """Writes the three files of a trained model.

  Args:
    name: the files' name, as `load_pretrained` takes it.
    model: a model of `hgn_tf.models`.
    card_text: Markdown of the model card.
    facts: dict of plain types, for `card`: dataset and figures.
    folder: where to write.
  """
  folder = pathlib.Path(folder)
  files.write_bytes(folder / f"{name}.md", card_text.encode())
  shipped = type(model)(model.config)  # without the optimizer's moments
  shipped.set_weights(model.get_weights())
  weights = folder / f"{name}.weights.h5"
  shipped.save_weights(weights)
  _repack(weights)
  files.write_json(folder / f"{name}.json", {"class": type(model).__name__, "config": model.config.to_dict(), **facts,
                                             "sha256": checksum(weights)})


def _repack(path):
  """Rewrites an HDF5 file in the newest layout, in which many small arrays take an eighth less."""
  with files.written_beside(path.parent) as beside, h5py.File(path) as old:
    with h5py.File(beside / path.name, "w", libver="latest") as new:
      _copy(old, new)


def _copy(old, new):
  new.attrs.update(old.attrs)
  for name, item in old.items():
    if isinstance(item, h5py.Group):
      _copy(item, new.create_group(name))
    else:
      new.create_dataset(name, data=item[()]).attrs.update(item.attrs)
