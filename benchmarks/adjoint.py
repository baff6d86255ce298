"""Peak memory and time of the gradient of a leapfrog rollout: back-propagation against the reversible adjoint.

  python benchmarks/adjoint.py --steps=30,100,300,1000,3000

The energies are those of preset `hgn`, batch 16. Every row runs in a process of its own, whose peak memory is compared
with that of a process that takes one step.
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import json
import resource
import subprocess
import sys
import time

import tensorflow as tf
from absl import flags

from hgn_tf.commands import cli
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import HGN, presets

_STEPS = flags.DEFINE_list("steps", ["30", "100", "300", "1000", "3000"], "Steps of a rollout.")
_RUNS = flags.DEFINE_integer("runs", 3, "Timed runs; the fastest is printed.", lower_bound=1)
_ONE = flags.DEFINE_string("one", None, "Of the child processes: adjoint,final_only,steps.")
_BATCH = 16


def measure(adjoint, final_only, steps):
  """(seconds, peak MiB of this process) of a gradient with respect to the start and every weight."""
  model = HGN(presets.get("hgn"))
  shape = (2, _BATCH, model.config.grid, model.config.grid, 16)
  start = PhaseSpace(*tf.unstack(0.1 * tf.random.stateless_normal(shape, (0, 1))))
  weights = [*model.potential.trainable_variables, *model.kinetic.trainable_variables]

  @tf.function(autograph=False)
  def gradient(steps):
    with tf.GradientTape() as tape:
      tape.watch(start)
      energy = Separable(model.kinetic.dense(), model.potential.dense())
      path = integrate(energy, start, 0.125, steps, final_only=final_only, adjoint=adjoint)
      loss = tf.reduce_mean(path.q ** 2)
    return [tf.reduce_sum(g) for g in tape.gradient(loss, [*start, *weights]) if g is not None]

  times = []
  for _ in range(_RUNS.value + 1):
    began = time.perf_counter()
    [x.numpy() for x in gradient(tf.constant(steps))]
    times.append(time.perf_counter() - began)
  return min(times[1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_process(*case):
  """`measure` of a case in a new process."""
  command = [sys.executable, __file__, f"--one={json.dumps(case)}", f"--runs={_RUNS.value}"]
  done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
  return json.loads(done.stdout.splitlines()[-1])


def main(argv):
  del argv
  if _ONE.value:
    print(json.dumps(measure(*json.loads(_ONE.value))))
    return
  rows = []
  for final_only in (True, False):
    ground = {adjoint: in_a_process(adjoint, final_only, 1)[1] for adjoint in ("backprop", "reversible")}
    for steps in map(int, _STEPS.value):
      row = [steps, "last state" if final_only else "trajectory"]
      for adjoint, least in ground.items():
        seconds, peak = in_a_process(adjoint, final_only, steps)
        row += [round(peak - least, 1), round(seconds, 3)]
      rows.append(row)
  print(markdown_table(["steps", "result", "backprop, MiB", "backprop, s", "reversible, MiB", "reversible, s"], rows))


if __name__ == "__main__":
  cli.run(main)
