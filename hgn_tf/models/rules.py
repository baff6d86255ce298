"""Which values a field of a configuration takes, of those that have its type."""

import dataclasses
from collections.abc import Callable

import keras


@dataclasses.dataclass(frozen=True)
class Rule:
  """What a field must be.

  Attributes:
    expected: in words that follow "must be".
    holds: value -> bool.
  """

  expected: str
  holds: Callable


def at_least(least):
  """value >= least."""
  return Rule(f"at least {least}", lambda value: value >= least)


def within(least, most):
  """least <= value <= most."""
  return Rule(f"in [{least}, {most}]", lambda value: least <= value <= most)


def one_of(*names):
  """One of these strings."""
  return Rule(f"one of {', '.join(names)}", lambda value: value in names)


def multiple_of(factor):
  """A positive multiple of `factor`."""
  return Rule(f"a positive multiple of {factor}", lambda value: value > 0 and value % factor == 0)


def keras_name(of, get):
  """A name that Keras knows.

  Args:
    of: "activation" or "initializer".
    get: what Keras looks it up with.
  """
  def known(value):
    try:
      return get(value) is not None
    except ValueError:
      return False
  return Rule(f"the name of a Keras {of}", known)


def to_an_eighth(size, multiple):
  """Convolutions that take an image of `size` to a grid of size / 8, whose channels are a multiple of `multiple`."""
  def fits(convs):
    side = size
    for *_, stride in convs:
      side = -(-side // stride)  # SAME padding
    return bool(convs) and side == size // 8 and convs[-1][0] % multiple == 0
  return Rule(f"convolutions (filters, kernel, stride) whose strides take size {size} to size / 8 = {size // 8} and "
              f"whose last filters are a multiple of {multiple}", fits)


def _counts(value, length=None):
  """Whether `value` is a tuple of integers of at least 1, of the `length` where one is given."""
  return (isinstance(value, tuple) and len(value) == (length or len(value))
          and all(type(number) is int and number >= 1 for number in value))


def _numbers(value, kinds=(int, float)):
  return len(value) == 2 and all(type(number) in kinds for number in value)


POSITIVE = Rule("positive", lambda value: value > 0)
NOT_ZERO = Rule("other than 0", lambda value: value != 0)
NO_ENERGY = Rule("off: there is no energy that friction or inputs could act on", lambda value: not value)
ACTIVATION = keras_name("activation", keras.activations.get)
INITIALIZER = keras_name("initializer", keras.initializers.get)
WIDTHS = Rule("a tuple of integers of at least 1", _counts)
CONVS = Rule("a tuple of (filters, kernel, stride), integers of at least 1",
             lambda value: all(_counts(conv, 3) for conv in value))
RISE = Rule("a pair of steps (first, last) with 0 <= first < last",
            lambda value: _numbers(value, (int,)) and 0 <= value[0] < value[1])
PARTS = Rule("a pair of parts of the training (first, last) with 0 <= first < last <= 1",
             lambda value: _numbers(value) and 0 <= value[0] < value[1] <= 1)
BOUNDS = Rule("a pair of numbers (low, high) with 0 < low <= high < infinity",
              lambda value: _numbers(value) and 0 < value[0] <= value[1] < float("inf"))
NOT_EMPTY = Rule("one convolution (filters, kernel, stride) or more", bool)
SAME_SIZE = Rule("convolutions (filters, kernel, stride) of stride 1, the last with an even number of filters",
                 lambda value: not value or value[-1][0] % 2 == 0 and all(stride == 1 for *_, stride in value))
