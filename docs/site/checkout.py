"""A hook of MkDocs: the pages of the site are those of the checkout, at the same paths, so that a link holds in both.

Notebooks become pages with the outputs that they were committed with. What pages load comes from installed packages.
"""

import logging
import pathlib
import re

import mathjax
from font_source_sans_pro import font_directory
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = ("README.md", "CONTRIBUTING.md", "LICENSE", "benchmarks/README.md", "tfds_builders/*/README.md",
           "tfds_builders/*/*.png", "hgn_tf/pretrained/*.md", "docs/**/*.md", "docs/**/*.png", "docs/**/*.gif",
           "docs/site/*.css", "docs/site/*.js", "examples/*.py", "examples/notebooks/*.ipynb")
ASSETS = {
    "docs/site/mathjax.js": pathlib.Path(mathjax.__file__).parent / "static" / "mathjax" / "es5" / "tex-svg.js",
    **{f"docs/site/{kind}.ttf": pathlib.Path(font_directory) / f"SourceSansPro-{kind}.ttf"
       for kind in ("Regular", "It", "Semibold")},
}

_LOADING = r"<(?:script|img|iframe|source|link(?=[^>]*stylesheet))"
_LOADED = re.compile(_LOADING + r"""[^>]*(?:src|href)=["']?((?:https?:)?//[^"'> ]*)""")
_EXPORTER = MarkdownExporter(preprocessors=[CoalesceStreamsPreprocessor])

log = logging.getLogger("mkdocs.plugins.checkout")  # a warning below "mkdocs" ends a strict build


class Notebook(File):
  """A notebook as a page: its Markdown, code and outputs."""

  def is_documentation_page(self):
    return True


def on_files(files, config):
  """The files of the checkout instead of those of docs/; the theme's own stay."""
  kept = [file for file in files if file.src_dir != config.docs_dir]
  paths = sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)})
  return Files([*kept, *(file for path in paths for file in _files_of(path, config)),
                *(File.generated(config, uri, abs_src_path=str(path)) for uri, path in ASSETS.items())])


def _files_of(path, config):
  """The site's files that a file of the checkout makes."""
  uri, folder = (place.relative_to(ROOT).as_posix() for place in (path, path.parent))
  if path.suffix != ".ipynb":
    return [File(uri, str(ROOT), config.site_dir, config.use_directory_urls)]
  text, resources = _EXPORTER.from_filename(str(path), {"output_files_dir": path.stem})
  pictures = resources["outputs"].items()
  return [Notebook.generated(config, uri, content=text),
          *(File.generated(config, f"{folder}/{name}", content=content) for name, content in pictures)]


def on_post_page(output, page, config):
  """Warns of what a page would load from another host."""
  del config
  for address in _LOADED.findall(output):
    log.warning("%s loads %s: bring it from a package (docs/site/checkout.py).", page.file.src_uri, address)
  return output
