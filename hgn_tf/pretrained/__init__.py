"""Trained models that come with the package.

    NAME.json         class, config, dataset and figures
    NAME.weights.h5   float32 weights
    NAME.md           model card
"""

import math
import pathlib

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
    ValueError: unknown name; lists the known ones.
  """
  from hgn_tf import models  # slow: TensorFlow
  description = card(name)
  model = getattr(models, description["class"])(description["config"])
  model.load_weights(_FOLDER / f"{name}.weights.h5")
  return model


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
  shipped.save_weights(folder / f"{name}.weights.h5")
  files.write_json(folder / f"{name}.json", {"class": type(model).__name__, "config": model.config.to_dict(), **facts})
