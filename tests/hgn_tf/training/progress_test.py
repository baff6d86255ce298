"""Bars, on a terminal and in a pipe."""

import contextlib
import io

import tensorflow as tf
import terminal

from hgn_tf.training import progress


def work():
  """All kinds of bars; returns what went to stdout."""
  with contextlib.redirect_stdout(io.StringIO()) as stdout:
    found = list(progress.track(iter("abc"), "Tracking", unit="letters", total=3))
    with progress.stages("Passing", ["first", "second", "third"]) as begin:
      begin("first")
      begin("third")
      progress.say("said")
    for item in progress.headings(["x", "y"], "Reproducing", unit="runs"):
      print(item)
  assert found == ["a", "b", "c"]
  return stdout.getvalue()


class ProgressTest(tf.test.TestCase):

  def test_a_terminal_shows_what_is_done_and_how_much_of_it(self):
    with terminal.terminal() as said:
      self.assertEqual(work(), "said\nx\ny\n")
    self.assertRegex(said(), r"(?s)Tracking:   0%.* 0/3 .* letters/s\].*Passing: first:   0%.* 0/3 .*"
                             r"Passing: third:  67%.* 2/3 .*Reproducing:   0%.* 0/2 .*\n.*Reproducing:  50%.* 1/2 .*\n")

  def test_a_bar_leaves_nothing_behind(self):
    with terminal.terminal(columns=60) as said:
      list(progress.track([1, 2], "Tracking"))
    self.assertRegex(said(), r"\r +\r$")

  def test_a_pipe_gets_nothing_but_what_is_said(self):
    with terminal.pipe() as said:
      self.assertEqual(work(), "said\nx\ny\n")
    self.assertEqual(said(), "")


if __name__ == "__main__":
  tf.test.main()
