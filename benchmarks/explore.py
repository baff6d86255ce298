"""How long hgn-explore takes to answer: a film to 120 frames of past and 120 of future, drawn; then the charts.

  python -m benchmarks.explore --runs=20
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import functools
import statistics
import time

from absl import flags

from hgn_tf.commands import cli
from hgn_tf.commands.explore import answers, catalogue
from hgn_tf.evaluation.explorer.rollouts import Kick
from hgn_tf.evaluation.report import markdown_table

_MODELS = flags.DEFINE_list("models", ["hgn_compact_two_body", "hgn_compact_three_body", "hgn_two_body"], "In the box.")
_RUNS = flags.DEFINE_integer("runs", 10, "Timed runs, after one that is not counted.", lower_bound=1)


def milliseconds(function):
  """Median, least and processor time of a call, after one that is not counted."""
  times = []
  for _ in range(_RUNS.value + 1):
    start, spent = time.perf_counter(), time.process_time()
    function()
    times.append((1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - spent)))
  walls, processor = zip(*times[1:], strict=True)
  return f"{statistics.median(walls):.0f}, {min(walls):.0f}, {statistics.median(processor):.0f}"


def row(models, name):
  """[name, film, film with a kick, charts] of a model."""
  choice = answers.Choice(name, world=models.system(name))
  answer = functools.partial(answers.answer, models, choice)
  shown, kicks = answer(), [Kick(30, 0.5)]
  return [name, *map(milliseconds, (lambda: answers.movie(answer()), lambda: answers.movie(answer(kicks)),
                                    lambda: answers.charts(shown)))]


def main(argv):
  del argv
  models = catalogue.Catalogue()
  print("Milliseconds: median, least, median of processor time over all threads.\n")
  print(markdown_table(["model", "film", "film with a kick", "charts"], [row(models, name) for name in _MODELS.value]))


if __name__ == "__main__":
  cli.run(main)
