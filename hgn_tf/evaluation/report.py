"""One self-contained HTML page from tables and pictures."""

import base64
import html
import pathlib

from hgn_tf.training import files

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.25em .9em;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}img{max-width:100%;image-rendering:pixelated}
figure{margin:1.5em 0}figcaption{color:#555}code{background:#f3f3f3;padding:.1em .3em}"""
_TYPES = {".png": "image/png", ".gif": "image/gif"}


def table(header, rows):
  """An HTML table of text or numbers."""
  def row(tag, cells):
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell_text(cell))}</{tag}>" for cell in cells) + "</tr>"
  return "<table>" + row("th", header) + "".join(row("td", cells) for cells in rows) + "</table>"


def markdown_table(header, rows):
  """The same table in Markdown; columns that begin with digits to the right."""
  columns = zip(*rows, strict=True) if rows else [()] * len(header)
  numbers = [all(cell_text(cell).strip("*")[:1] in "-+0123456789" for cell in column) for column in columns]
  lines = [header, ["---:" if right else "---" for right in numbers], *rows]
  return "\n".join("| " + " | ".join(map(cell_text, cells)) + " |" for cells in lines) + "\n"


def cell_text(cell):
  """A cell as text: floats with four significant digits, None as a dash."""
  if cell is None:
    return "-"
  return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def figure(path, caption):
  """A picture, embedded."""
  path = pathlib.Path(path)
  content = base64.b64encode(path.read_bytes()).decode()
  return (f'<figure><img src="data:{_TYPES[path.suffix]};base64,{content}" alt="{html.escape(caption)}">'
          f"<figcaption>{html.escape(caption)}</figcaption></figure>")


def heading(text):
  """A section heading."""
  return f"<h2>{html.escape(text)}</h2>"


def paragraph(text):
  """A paragraph of plain text."""
  return f"<p>{html.escape(text)}</p>"


def write(path, title, parts):
  """Writes the page.

  Args:
    path: file to write.
    title: of the page.
    parts: what the functions above return.
  """
  page = (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
          f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>{''.join(parts)}</html>\n")
  files.write_bytes(path, page.encode())
