"""What HGNs with a vector for a state share: a window of frames gives the state at its middle."""

from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models.checks import check_frames
from hgn_tf.models.hgn import HGN
from hgn_tf.models.window_config import WindowHGNConfig


class WindowHGN(HGN):
  """An HGN with a vector state: z = (q, p) in R^2d at the middle of a window of `config.context` frames.

  Args:
    config: WindowHGNConfig, or its dict.
  """

  config_class = WindowHGNConfig

  def _make_transform(self):
    return None

  def _prior_rank(self):
    return self.config.prior_rank

  def check_seen(self, frames):
    """`config.context` frames or more: z is the state at the middle of the window that the first ones are."""
    frames = check_frames(frames, (None, *self.config.frame_shape[1:]), self.variable_dtype)
    if frames.shape[1] is not None and frames.shape[1] < self.config.context:
      raise ValueError(f"frames must have at least context={self.config.context} in time, got {frames.shape[1]}.")
    return frames

  def initial_state(self, z):
    """The state at the first frame of the window whose middle has the state z = (q, p)."""
    back = self.rollout(PhaseSpace.split(z), self.config.middle, -self.config.dt)
    return PhaseSpace(*(x[:, -1] for x in back))
