"""hgn-check: looks at a folder of films before anything is trained on them, and says what would not go well.

Example:
  hgn-check MY_VIDEOS --out=check
"""

import pathlib

from absl import flags

from hgn_tf.commands import cli

_OUT = flags.DEFINE_string("out", "check", "Folder to write the page and its figures to.")
_NUM_STEPS = flags.DEFINE_integer("num_steps", 30, "Frames of a clip after the first.", lower_bound=1)
_FRAME_STRIDE = flags.DEFINE_integer("frame_stride", 1, "Every n-th frame of the films is to be taken.", lower_bound=1)


def main(argv):
  if len(argv) != 2:
    raise ValueError(f"one folder of films is expected, got {len(argv) - 1}: hgn-check MY_VIDEOS")
  from hgn_tf.evaluation import folder_advice, folder_check, plots, report  # slow: TFDS
  found, said, lines = folder_check.check(pathlib.Path(argv[1]), _OUT.value, num_steps=_NUM_STEPS.value,
                                          frame_stride=_FRAME_STRIDE.value)
  if found:
    print(report.markdown_table(*folder_advice.table(found)))
  print("\n".join([*(f"- {sentence}" for sentence in said), *(["", *lines] if lines else [])]))
  if not plots.available():
    print("No pictures: they need pip install 'hgn_tf[plot]'.")
  print(f"Report: {pathlib.Path(_OUT.value).resolve() / 'report.html'}")


def run():
  """Console script."""
  cli.run(main, takes_arguments=True)


if __name__ == "__main__":
  run()
