"""The notebooks run from the first cell to the last, and were committed with what they show.

Training is cut short by a cell that is put behind the one with the parameters: "quick" in the notebook's metadata.
"""

import os
import pathlib

import nbclient
import nbformat
import pytest
import tensorflow as tf
from absl.testing import parameterized

pytestmark = pytest.mark.slow  # starts whole programs

_ROOT = pathlib.Path(__file__).parents[2]
_NOTEBOOKS = sorted((_ROOT / "examples" / "notebooks").glob("*.ipynb"))


def _shortened(notebook):
  """The notebook with the cell of its metadata behind the one tagged "parameters", where it has them."""
  if "quick" in notebook.metadata:
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    notebook.cells.insert(1 + tags.index(["parameters"]), nbformat.v4.new_code_cell(notebook.metadata["quick"]))
  return notebook


class NotebooksTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.named_parameters((path.stem, path) for path in _NOTEBOOKS)
  def test_runs(self, path):
    notebook = _shortened(nbformat.read(path, as_version=4))
    env = {**os.environ, "PYTHONPATH": str(_ROOT), "CUDA_VISIBLE_DEVICES": ""}
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": self.get_temp_dir()}})
    client.execute(env=env)

  @parameterized.named_parameters((path.stem, path) for path in _NOTEBOOKS)
  def test_was_committed_as_it_ran(self, path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    self.assertEqual([cell.execution_count for cell in code], list(range(1, len(code) + 1)))
    outputs = [output for cell in code for output in cell.outputs]
    self.assertTrue(any("image/png" in output.get("data", {}) for output in outputs))
    for output in outputs:
      self.assertNotEqual(output.output_type, "error")
      self.assertNotEqual(output.get("name"), "stderr", output)
      self.assertNotIn("/tmp/", output.get("text", ""))


if __name__ == "__main__":
  tf.test.main()
