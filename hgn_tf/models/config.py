"""Configurations as plain data."""

import dataclasses

DECAYS = ("constant", "cosine")


@dataclasses.dataclass(frozen=True)
class Config:
  """Plain data that survives a trip through JSON: lists become tuples."""

  def __post_init__(self):
    for field in dataclasses.fields(self):
      object.__setattr__(self, field.name, _tuples(getattr(self, field.name)))
    decay = getattr(self, "learning_rate_decay", "constant")
    if decay not in DECAYS:
      raise ValueError(f"learning_rate_decay must be one of {', '.join(DECAYS)}, got {decay!r}.")

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


def _tuples(value):
  return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value
