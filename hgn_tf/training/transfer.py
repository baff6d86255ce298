"""Starts a model from another one that was trained: weights are taken over wherever shapes fit."""

import math


def take_over(model, source):
  """Copies the trainable weights of the layers that both models have, by name and order, where their shapes are equal.

  What follows from the data, such as the mean frame, is taken anew from the first batch.

  Args:
    model: that begins.
    source: trained model.

  Returns:
    dict: name of a layer -> (numbers taken over, numbers it has).

  Raises:
    ValueError: nothing fits.
  """
  there, taken = {layer.name: layer.trainable_weights for layer in source.layers}, {}
  for layer in model.layers:
    own = layer.trainable_weights
    if own:
      other = there.get(layer.name, [])
      fitting = [(weight, old) for weight, old in zip(own, other, strict=False) if weight.shape == old.shape]
      for weight, old in fitting:
        weight.assign(old)
      taken[layer.name] = tuple(sum(map(_count, weights)) for weights in ([weight for weight, _ in fitting], own))
  if not any(count for count, _ in taken.values()):
    raise ValueError(f"init must be a model some of whose weights fit {model.config.name!r}, got {source.config.name!r}"
                     f", a {type(source).__name__} for a {type(model).__name__}.")
  return taken


def told(taken):
  """In words what `take_over` did."""
  return ", ".join(f"{name} {'all' if count == total else f'{count:,}'} of {total:,}" if count else f"{name} anew"
                   for name, (count, total) in taken.items())


def _count(weight):
  return math.prod(weight.shape)
