"""Bars where people wait: what is done, how much of it, how long it takes yet. Nothing where stderr is no terminal."""

import contextlib

import tqdm


def track(items, what, *, unit="", total=None):
  """Iterates over `items` behind a bar.

  Args:
    items: iterable.
    what: in words, such as "Drawing".
    unit: what `items` are, in the plural.
    total: how many there are, where `len(items)` does not know.
  """
  return _bar(items, total=total, desc=what, unit=f" {unit}" if unit else "")


def headings(items, what, *, unit):
  """Iterates over a list whose items print for themselves: a line that says how far it is stands above each of them."""
  with _bar(total=len(items), desc=what, unit=f" {unit}") as bar:
    for done, item in enumerate(items):
      bar.n = done
      bar.refresh()
      if not bar.disable:
        bar.fp.write("\n")
      yield item


def say(line):
  """Prints a line to stdout, between the bars."""
  tqdm.tqdm.write(line)


@contextlib.contextmanager
def stages(what, names):
  """A bar over stages of different kinds; yields a function that is called with a stage's name when it begins.

  Args:
    what: in words, such as "Evaluating".
    names: of the stages in their order; some may be left out.
  """
  names = list(names)
  with _bar(total=len(names), desc=what, unit=" stages") as bar:
    def begin(name):
      bar.n = names.index(name)
      bar.set_description(f"{what}: {name}")

    yield begin


def _bar(items=None, **options):
  return tqdm.tqdm(items, disable=None, leave=False, dynamic_ncols=True, **options)
