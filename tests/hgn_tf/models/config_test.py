"""Types and rules of the fields of every configuration: what they refuse, what they take, and what they say."""

import dataclasses
import json
import typing

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import pretrained
from hgn_tf.models import presets
from hgn_tf.models.config import Config

_PRESETS = ("hgn", "hgn_compact", "hgn_plus_plus", "latent_ode", "latent_rnn", "hnn_pendulum", "pixel_hnn",
            "pixel_hnn_conv", "nhf", "real_nvp")
_FIELDS = [(preset, field.name) for preset in _PRESETS for field in dataclasses.fields(presets.get(preset))]
_NO_RULE = {"name", "log_std_offset"}  # any string, any number
_OF_OTHER_TYPES = {int: ["16", 5.0, True, None, [5]], float: ["5e-4", True, None, np.nan, np.inf, 10 ** 400],
                   bool: [1, "true", None], str: [3, None, ["x"]], tuple: [3, "32", None, {"a": 1}]}
_BROKEN = {int: -1, float: -1.0, str: "nosuch", tuple: (0, 0)}


def kinds(preset, name):
  """The types that the annotation of a field names."""
  annotation = next(field.type for field in dataclasses.fields(presets.get(preset)) if field.name == name)
  return typing.get_args(annotation) or (annotation,)


class EveryFieldTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*_FIELDS)
  def test_another_type_is_refused_by_name(self, preset, name):
    kind, *others = kinds(preset, name)
    for value in _OF_OTHER_TYPES[kind]:
      if value is not None or not others:
        with self.assertRaisesRegex(ValueError, f"^{name} must be an? .*, got "):
          presets.get(preset, **{name: value})
    if others:
      with self.assertRaisesRegex(ValueError, f"^{name} must be an? .* or None, got "):
        presets.get(preset, **{name: {}})

  @parameterized.parameters(*(field for field in _FIELDS if field[1] not in _NO_RULE and kinds(*field)[0] is not bool))
  def test_a_value_outside_of_its_range_is_refused_by_name(self, preset, name):
    with self.assertRaisesRegex(ValueError, f"^{name} must be .*, got "):
      presets.get(preset, **{name: 0.0 if name == "dt" else _BROKEN[kinds(preset, name)[0]]})

  @parameterized.parameters(*_FIELDS)
  def test_numpy_and_integers_for_floats_become_plain_numbers(self, preset, name):
    value = getattr(presets.get(preset), name)
    for given in (np.asarray(value)[()], value if type(value) is not float or value % 1 else int(value)):
      if type(value) in (int, float, bool):
        config = presets.get(preset, **{name: given})
        self.assertIs(type(getattr(config, name)), type(value))
        self.assertEqual(type(config).from_dict(json.loads(json.dumps(config.to_dict()))), config)


class RuleTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      ("hgn", dict(batch_size=0), "batch_size must be at least 1, got 0"),
      ("hgn", dict(kappa="5e-4"), "kappa must be a finite number, got '5e-4'"),
      ("hgn", dict(size="16"), "size must be an integer, got '16'"),
      ("hgn", dict(num_frames=5.0), "num_frames must be an integer, got 5.0"),
      ("hgn", dict(clip_norm="x"), "clip_norm must be a finite number or None, got 'x'"),
      ("hgn", dict(dt=0), "dt must be other than 0, got 0.0"),
      ("hgn", dict(multiplier_bounds=[2.0, 1.0]), "multiplier_bounds must be a pair .*low <= high.* got .2.0, 1.0."),
      ("hgn", dict(kl_warmup=[800, 300]), "kl_warmup must be a pair of steps .first, last. .* got .800, 300."),
      ("hgn", dict(log_std_rise=[5, 5]), "log_std_rise must be a pair .*first < last, got .5, 5."),
      ("hgn", dict(log_std_rise=[5]), "log_std_rise must be a pair"),
      ("hgn_compact", dict(horizon=[0.6, 0.05]), "horizon must be a pair .*first < last <= 1, got .0.6, 0.05."),
      ("hgn_compact", dict(context=32), "context must be in .1, 31., got 32"),
      ("hgn", dict(encoder=[[8, 2]]), "encoder must be a tuple of .filters, kernel, stride."),
      ("hgn", dict(encoder=[[8, 2, 2], [8, 2, 2]]), "encoder must .* take size 32 to size / 8 = 4 .* got ..8, 2, 2"),
      ("hgn", dict(encoder=[]), "encoder must .* take size 32 to size / 8 = 4"),
      ("hgn", dict(encoder=[[9, 2, 8]]), "last filters are a multiple of 2"),
      ("hgn_no_fpsi", dict(encoder=[[6, 2, 8]]), "last filters are a multiple of 4"),
      ("hgn", dict(transform=[[8, 2, 2]]), "transform must .* stride 1"),
      ("hgn", dict(transform=[[7, 2, 1]]), "transform must .* even number of filters"),
      ("hgn", dict(energy=[]), "energy must be one convolution"),
      ("pixel_hnn_conv", dict(encoder=[[8, 2, 4]]), "encoder must .* take size 32 to size / 8 = 4"),
      ("pixel_hnn", dict(method="leapfrog"), "method must be one of solve_ivp, euler, rk4, implicit_midpoint, tao"))
  def test_says_what_it_expects(self, preset, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      presets.get(preset, **fields)

  def test_the_rules_of_classes_above_hold_too(self):
    @dataclasses.dataclass(frozen=True)
    class Child(type(presets.get("hgn"))):
      own: int = 1
    with self.assertRaisesRegex(ValueError, "size must be a positive multiple of 8, got 9"):
      Child(size=9)
    with self.assertRaisesRegex(ValueError, "batch_size must be at least 1"):
      Child(batch_size=0)

  def test_every_field_but_names_offsets_and_switches_has_a_rule(self):
    ruled = {name for cls in (Config, *map(type, presets.PRESETS.values())) for up in cls.__mro__
             for name in vars(up).get("RULES", ())}
    fields = {name for preset, name in _FIELDS if bool not in kinds(preset, name)}
    self.assertEqual(fields - ruled, {*_NO_RULE, "context"})  # of context in __post_init__

  def test_the_configs_of_the_trained_models_are_taken(self):
    for name in pretrained.names():
      self.assertTrue(pretrained.load_pretrained(name).config.name, name)


if __name__ == "__main__":
  tf.test.main()
