"""Work in several processes."""

import os
import time
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from tfds_builders import workers


def _square(x):
  time.sleep(0.01 * (x % 3))
  return x * x, os.getpid()


def _fail(x):
  if x == 3:
    raise ValueError(f"no {x}")
  return x


class WorkersTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(1, 2, 3)
  def test_results_come_in_order(self, processes):
    found = list(workers.ordered_map(_square, ((x,) for x in range(20)), processes))
    self.assertEqual([square for square, _ in found], [x * x for x in range(20)])
    self.assertEqual(os.getpid() in {pid for _, pid in found}, processes == 1)

  def test_a_workers_error_reaches_the_caller(self):
    results = workers.ordered_map(_fail, ((x,) for x in range(6)), 2)
    self.assertEqual([next(results) for _ in range(3)], [0, 1, 2])
    with self.assertRaisesRegex(ValueError, "no 3"):
      next(results)

  def test_only_a_few_tasks_are_ahead_of_the_results(self):
    taken = []

    def tasks():
      for x in range(100):
        taken.append(x)
        yield (x,)

    results = workers.ordered_map(_square, tasks(), 2)
    next(results)
    self.assertLessEqual(len(taken), 4)
    results.close()

  def test_the_environment_sets_the_number(self):
    with mock.patch.dict(os.environ, {"HGN_BUILD_WORKERS": "5"}):
      self.assertEqual(workers.worker_count(), 5)
    for bad in ("0", "-1", "many", ""):
      with mock.patch.dict(os.environ, {"HGN_BUILD_WORKERS": bad}):
        with self.assertRaisesRegex(ValueError, "HGN_BUILD_WORKERS must be a positive integer"):
          workers.worker_count()
