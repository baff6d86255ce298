"""Work in several processes."""

import multiprocessing
import os
import time
from unittest import mock

import pytest
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


def _time_out(x):
  raise TimeoutError(f"no answer to {x}")


def _patience():
  return workers.PATIENCE


def _spin(x):
  end = time.monotonic() + 4
  while time.monotonic() < end:
    x += 1
  return True


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

  def test_a_functions_own_timeout_is_its_own(self):
    with self.assertRaisesRegex(TimeoutError, "no answer to 1"):
      list(workers.ordered_map(_time_out, [(1,)] * 3, 2))

  @parameterized.parameters(False, True)
  def test_a_worker_that_dies_ends_the_work(self, fresh):
    with self.assertRaisesRegex(RuntimeError, "A worker process died before its work was done" + ".*__main__" * fresh):
      list(workers.ordered_map(os._exit, [(9,)] * 3, 2, fresh=fresh))

  @parameterized.parameters(False, True)
  def test_workers_that_are_silent_end_the_work(self, fresh):
    with mock.patch.object(workers, "PATIENCE", 2.0):
      with self.assertRaisesRegex(RuntimeError, "No worker process has done anything for 2 seconds"):
        list(workers.ordered_map(time.sleep, [(600,)] * 3, 2, fresh=fresh))
    self.assertEmpty(multiprocessing.active_children())

  @pytest.mark.slow
  def test_workers_that_are_busy_for_long_do_not(self):
    with mock.patch.object(workers, "PATIENCE", 2.5):
      self.assertEqual(list(workers.ordered_map(_spin, [(0,)] * 2, 2)), [True, True])

  @pytest.mark.slow  # starts whole programs
  def test_fresh_workers_hold_nothing_of_this_process(self):
    with mock.patch.object(workers, "PATIENCE", 1234.0):
      self.assertEqual(list(workers.ordered_map(_patience, [()] * 2, 2)), [1234.0] * 2)
      self.assertEqual(list(workers.ordered_map(_patience, [()] * 2, 2, fresh=True)), [300.0] * 2)

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
