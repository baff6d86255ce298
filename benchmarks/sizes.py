"""Core-seconds of a training step and memory of models of films of several sizes.

  python -m benchmarks.sizes

Prints a Markdown table. Each row is a process of its own, so that its memory is the most that it ever held; the time is
that of all its threads, which other work on the machine hardly changes.
"""

import json
import resource
import statistics
import subprocess
import sys
import time

from absl import app, flags

_ROW = flags.DEFINE_string("row", None, "JSON of the preset's name and changes: measures this row alone.")
_STEPS = flags.DEFINE_integer("steps", 5, "Timed steps; the median is printed.", lower_bound=1)

ROWS = [["hgn", {}], ["hgn_64", {}], ["hgn_128", {}], ["hgn_compact_video", {}], ["hgn_compact_video", {"size": 64}],
        ["hgn_compact_video", {"size": 128}], ["hgn_compact_video", {"size": 64, "channels": 1}],
        ["hgn_compact_video", {"size": 64, "num_frames": 200}]]


def measure(preset, changes):
  """(batch size, median core-seconds of a step, MB) of a preset, in this process."""
  import tensorflow as tf

  from hgn_tf.models import make, presets
  config = presets.get(preset, **changes)
  model = make(config)
  model.compile()
  films = tf.random.stateless_uniform((config.batch_size, *config.frame_shape), (0, 1))
  times = []
  for _ in range(_STEPS.value + 1):
    start = time.process_time()
    model.train_on_batch(films)
    times.append(time.process_time() - start)
  return config.batch_size, statistics.median(times[1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(argv):
  del argv
  if _ROW.value:
    print(json.dumps(measure(*json.loads(_ROW.value))))
    return
  from hgn_tf.evaluation.report import markdown_table
  rows = []
  for preset, changes in ROWS:
    done = subprocess.run([sys.executable, "-m", "benchmarks.sizes", f"--row={json.dumps([preset, changes])}",
                           f"--steps={_STEPS.value}"], check=True, capture_output=True, text=True)
    batch, seconds, memory = json.loads(done.stdout.splitlines()[-1])
    rows.append([preset, json.dumps(changes) if changes else "", batch, f"{seconds:.2f}", f"{memory / 1024:.1f}"])
    print(rows[-1], file=sys.stderr, flush=True)
  print(markdown_table(["preset", "changes", "films of a step", "core-seconds a step", "GB"], rows))


if __name__ == "__main__":
  app.run(main)
