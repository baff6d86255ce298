"""zuko's flows (PyTorch) with the same standardisation, optimiser and budget as the Keras models."""

import copy

import numpy as np
import tensorflow as tf
import torch
import zuko

from hgn_tf.flows import standardisation

CHUNK = 10_000


class ZukoFlow:
  """A zuko flow that fits points.

  Args:
    name: "zuko_nsf" or "zuko_real_nvp".
    kind: of standardisation, as of an NHF.
    event_size: d of the points.
    seed: of weights and batches.
    steps, batch_size: of Adam with cosine decay from 1e-3.
  """

  def __init__(self, name, event_size, *, kind, seed, steps, batch_size):
    torch.manual_seed(seed)
    make = zuko.flows.NSF if name == "zuko_nsf" else zuko.flows.RealNVP
    self.flow = make(event_size, transforms=3, hidden_features=(64, 64))
    self.kind, self.steps, self.batch_size = kind, steps, batch_size

  @property
  def parameters(self):
    """Trainable numbers."""
    return sum(p.numel() for p in self.flow.parameters())

  def fit(self, x, parts, validation=None):
    """Trains on points [n, d]; the mean loss, in nats, of each of `parts` parts of the steps.

    Where there are validation points, the weights are those of the part that was best on them.
    """
    self.coordinates = standardisation.coordinates(standardisation.measure(x, self.kind))
    optimizer = torch.optim.Adam(self.flow.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
    data, losses, best = self._standardised(x), [], (-np.inf, None)
    for _ in range(parts):
      losses.append(np.mean([self._step(data, optimizer, schedule) for _ in range(self.steps // parts)]))
      if validation is not None and (score := self.log_prob(validation).mean()) > best[0]:
        best = score, copy.deepcopy(self.flow.state_dict())
    if best[1] is not None:
      self.flow.load_state_dict(best[1])
    return (np.array(losses) - np.mean(self._log_slope(x))).tolist()

  def _standardised(self, x):
    return torch.from_numpy(self.coordinates.inverse(tf.cast(x, tf.float64)).numpy().astype(np.float32))

  def _log_slope(self, x):
    return self.coordinates.inverse_log_det_jacobian(tf.cast(x, tf.float64), event_ndims=1).numpy()

  def _step(self, data, optimizer, schedule):
    loss = -self.flow().log_prob(data[torch.randint(len(data), (self.batch_size,))]).mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(self.flow.parameters(), 10.0)
    optimizer.step()
    schedule.step()
    return loss.item()

  @torch.no_grad()
  def log_prob(self, x):
    """Nats [n] of points [n, d]."""
    return (torch.cat([self.flow().log_prob(part) for part in self._standardised(x).split(CHUNK)]).numpy()
            + self._log_slope(x))

  @torch.no_grad()
  def sample(self, n, seed):
    """Points [n, d]."""
    torch.manual_seed(seed)
    return self.coordinates.forward(tf.cast(self.flow().sample((n,)).numpy(), tf.float64)).numpy()
