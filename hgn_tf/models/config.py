"""Configurations as plain data whose every field has a type and, where it needs one, a rule."""

import dataclasses
import math
import sys
import types
import typing

import numpy as np

from hgn_tf.models import rules

_TYPES = {int: "an integer", float: "a finite number", bool: "a bool", str: "a string", tuple: "a tuple",
          types.NoneType: "None"}


@dataclasses.dataclass(frozen=True)
class Config:
  """Plain data that survives a trip through JSON: lists become tuples, NumPy's numbers Python's.

  The annotation of a field is its type; `RULES` of its class or of a class above, field -> rule, says which values of
  that type it takes. A rule for a field that a class has not is none.

  Raises:
    ValueError: a value of another type, or one that breaks its rule; names the field, what was expected, what came.
  """

  inputs = 0  # of a driven system: the field of models that take controls beside films

  RULES = {  # what one name means in every config
      "dt": rules.NOT_ZERO,
      "steps": rules.at_least(1),
      "batch_size": rules.at_least(1),
      "learning_rate": rules.POSITIVE,
      "learning_rate_decay": rules.one_of("constant", "cosine"),
      "warmup_steps": rules.at_least(0),
      "clip_norm": rules.POSITIVE,
      "weight_decay": rules.at_least(0),
      "hidden": rules.WIDTHS,
      "precision": rules.one_of("float32", "mixed_bfloat16", "auto"),
      "seed": rules.within(0, 2 ** 31 - 1),
  }

  def __post_init__(self):
    rules_of = {name: rule for cls in reversed(type(self).__mro__) for name, rule in vars(cls).get("RULES", {}).items()}
    for field in dataclasses.fields(self):
      value = _typed(field.name, field.type, getattr(self, field.name))
      object.__setattr__(self, field.name, value)
      if field.name in rules_of and value is not None:
        self._check(field.name, rules_of[field.name])

  def _check(self, name, rule):
    """Raises a ValueError where the field `name` breaks `rule`."""
    if not rule.holds(getattr(self, name)):
      raise ValueError(f"{name} must be {rule.expected}, got {getattr(self, name)!r}.")

  def to_dict(self):
    """Plain JSON types."""
    return dataclasses.asdict(self)

  @classmethod
  def from_dict(cls, fields):
    """The inverse of `to_dict`, also after a trip through JSON.

    Raises:
      ValueError: unknown fields.
    """
    known = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(fields) - known)
    if unknown:
      raise ValueError(f"Unknown {cls.__name__} fields: {', '.join(unknown)}; known: {', '.join(sorted(known))}.")
    return cls(**fields)


def _typed(name, annotation, value):
  """`value` as plain data of one of the types of `annotation`; an integer passes for a float, a bool for neither."""
  expected, value = typing.get_args(annotation) or (annotation,), _plain(value)
  if float in expected and type(value) is int and abs(value) <= sys.float_info.max:
    value = float(value)
  if type(value) not in expected or type(value) is float and not math.isfinite(value):
    raise ValueError(f"{name} must be {' or '.join(_TYPES[kind] for kind in expected)}, got {value!r}.")
  return value


def _plain(value):
  if isinstance(value, (list, tuple)):
    return tuple(map(_plain, value))
  return value.item() if isinstance(value, np.generic) else value
