"""The trained NHFs that come with the package reach what their cards say."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import pretrained
from hgn_tf.flows import distributions

NAMES = [name for name in pretrained.names() if name.startswith("nhf_")]


class DensityPretrainedTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*[(name,) for name in NAMES])
  def test_reaches_its_card(self, name):
    card = pretrained.card(name)
    target = distributions.target(card["dataset"])
    x = target.sample(2000, seed=(5, 6))
    kl = np.mean(target.log_prob(x) - pretrained.load_pretrained(name).log_prob(x, seed=0))
    self.assertAllClose(kl, card["kl"], atol=0.03)


if __name__ == "__main__":
  tf.test.main()
