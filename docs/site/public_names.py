"""An extension of Griffe, which reads the reference from the source: the names of hgn_tf that are found on first use.

It warns of those that have no docstring, and writes what docstrings have of their own in Markdown: fields that are
grouped as lists, examples as code.
"""

import inspect
import logging
import re
import types

import griffe

import hgn_tf

_FIELD = re.compile(r"^(\w[\w, ]*)((?: \([^)]*\))?): ")
_GROUP = re.compile(r"^(Architecture|Dynamics|Flow|Objective|Optimisation)\b.*:$")

log = logging.getLogger("mkdocs.plugins.public_names")  # a warning below "mkdocs" ends a strict build


class PublicNames(griffe.Extension):
  """`hgn_tf.bijectors` is `hgn_tf.flows.bijectors`, as the finder in hgn_tf/__init__.py has it."""

  def on_package(self, *, pkg, **kwargs):
    """Adds the names that stand elsewhere; looks at all public ones."""
    del kwargs
    if pkg.path != "hgn_tf":
      return
    homes = hgn_tf._MODULES | {name: f"{home}.{name}" for name, home in hgn_tf._OBJECTS.items()}
    for name, home in homes.items():
      pkg.set_member(name, griffe.Alias(name, home, parent=pkg))
    for missing in undocumented():
      log.warning("%s has no docstring.", missing)

  def on_object(self, *, obj, **kwargs):
    """Docstrings as Markdown."""
    del kwargs
    if obj.docstring:
      obj.docstring.value = "\n".join(_listed(_fenced(obj.docstring.value.split("\n"))))


def undocumented():
  """The public names of hgn_tf that have no docstring, of their own or of what they override."""
  names = [name for name in hgn_tf.__all__ if name != "__version__"]
  return [missing for name in names for missing in _undocumented(f"hgn_tf.{name}", getattr(hgn_tf, name))]


def _undocumented(path, value):
  if isinstance(value, types.ModuleType):
    members = getattr(value, "__all__", None) or [name for name in vars(value) if _is_of(value, name)]
    members = {name: getattr(value, name) for name in members}
  elif inspect.isclass(value):
    members = {name: getattr(value, name) for name in vars(value) if not name.startswith("_")}
  else:
    members = {}
  documented = inspect.getdoc(value) if callable(value) or isinstance(value, (types.ModuleType, property)) else "plain"
  found = [] if documented else [path]
  for name, member in members.items():
    found += _undocumented(f"{path}.{name}", member)
  return found


def _is_of(module, name):
  """Whether a module defines a public function or class."""
  return not name.startswith("_") and getattr(getattr(module, name), "__module__", None) == module.__name__


def _fenced(lines):
  """Examples, lines that begin with >>>, as blocks of code."""
  inside = False
  for line in [*lines, ""]:
    if line.startswith(">>> ") != inside:
      yield "```" if inside else "```python"
      inside = not inside
    yield line.removeprefix(">>> ")


def _listed(lines):
  """Fields under a heading of their own, indented, as a list."""
  grouped = False
  for line in lines:
    if _GROUP.match(line):
      grouped = True
      yield from ("", f"**{line}**", "")
    elif grouped and line.startswith("  "):
      yield _FIELD.sub(r"- `\1`\2: ", line.removeprefix("  "))
    else:
      grouped = False
      yield line
