"""Batch norm in three libraries: the source of this project's layer, and what arguments mean."""

import ast
import textwrap
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]

SOURCES = {
    "The layer": ("bn_core/normalization/batch_norm.py", "BatchNorm", "forward"),
    "Its running averages": ("bn_core/normalization/base.py", "RunningNormalization", ""),
}
"""What a reader is shown as it stands: a file, a class in it, and a method or all of the class."""


def source(name: str) -> str:
    """Return the text of a class or method of the project; a method without its indentation.

    The page's process reads the file: to import it would bring torch.
    """
    path, class_name, method = SOURCES[name]
    text = (_ROOT / path).read_text()
    node = _named(ast.parse(text), class_name)
    if method:
        node = _named(node, method)
    return textwrap.dedent("\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno]))


def _named(parent: ast.AST, name: str) -> ast.stmt:
    """Return the class or function of a name that stands directly in a module or class."""
    return next(
        node
        for node in ast.iter_child_nodes(parent)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name
    )


PYTORCH = """import torch
from torch import nn

net = nn.Sequential(
    nn.Linear(64, 100, bias=False),  # batch norm would subtract a bias again
    nn.BatchNorm1d(100, eps=1e-5, momentum=0.1),
    nn.ReLU(),
    nn.Linear(100, 10),
)
net.train()  # statistics of the batch; the running averages move
logits = net(torch.randn(32, 64))
net.eval()  # the running averages; an answer depends on its input alone
logits = net(torch.randn(1, 64))
"""

KERAS = """import keras
from keras import layers

net = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(100, use_bias=False),  # batch norm would subtract a bias again
    layers.BatchNormalization(epsilon=1e-5, momentum=0.9),  # PyTorch's defaults
    layers.Activation("relu"),
    layers.Dense(10),
])
images = keras.random.normal((32, 64))
logits = net(images, training=True)   # statistics of the batch; the moving averages move
logits = net(images, training=False)  # the moving averages
"""

ARGUMENTS = """
| what it does | PyTorch, `BatchNorm1d` | Keras, `BatchNormalization` |
|---|---|---|
| which axis has the units | `num_features`; always axis 1 | `axis` (-1; 1 for channels first) |
| share of the newest batch in the averages | `momentum=0.1`: new = 0.9 old + 0.1 batch | `momentum=0.99`: new = 0.99 old + 0.01 batch |
| cumulative average | `momentum=None` | - |
| added to the variance | `eps=1e-5` | `epsilon=1e-3` |
| learned scale γ | `affine=True` | `scale=True` |
| learned shift β | `affine=True, bias=True`; `bias=False` leaves γ alone | `center=True` |
| where γ, β and the averages begin | 1, 0, mean 0, variance 1 | `gamma_initializer`, `beta_initializer`, `moving_mean_initializer`, `moving_variance_initializer` |
| penalties on γ, β | by the optimizer's parameter groups | `gamma_regularizer`, `beta_regularizer` |
| limits on γ, β | by hand after each step | `gamma_constraint`, `beta_constraint` |
| no averages kept | `track_running_stats=False`: batch statistics in eval too | - |
| frozen | `requires_grad=False` and `.eval()` | `trainable=False`: inference mode |
| over several devices | `SyncBatchNorm` | `synchronized=True`, TensorFlow backend only |
| batch renormalization | by hand | `renorm`, `renorm_clipping`, `renorm_momentum`: in older TensorFlow, and in Keras again since 2026 |
| ghost batches | by hand | `virtual_batch_size` in older TensorFlow |
| a faster kernel, same result | chosen by PyTorch | `fused` in older TensorFlow |
| a scale and a bias given by a function, in training | by hand | `adjustment` in older TensorFlow |
"""

TRAPS = """
- **Momentum has two meanings.** PyTorch's is the share of the *new* batch, Keras' that of the *old* average: 0.1 there
  is 0.9 here.
- **Two variances.** Both normalize with the biased one, (1/m) Σ (x - μ)². For inference PyTorch stores the unbiased
  one, times m / (m - 1); Keras 3 stores the biased one.
- **Freezing.** In PyTorch `requires_grad=False` stops γ and β, but in training mode the running averages still move:
  call `.eval()` on the layer too. In Keras `trainable=False` does both.
- **A batch of one.** In training PyTorch raises a ValueError, Keras puts out β without a word. The last, short batch
  of an epoch can be one: `drop_last=True`.
- **A forward pass is not harmless.** In training mode, even one made only to look moves the running averages.
- **A bias in front is useless.** Batch norm subtracts it again: leave it out.
- **Weight decay** is usually kept off γ and β.
- **The batch of batch norm** is what goes through one forward pass on one device: gradient accumulation and data
  parallelism do not enlarge it.
- **Comparing at one learning rate** compares rates, not norms: give each net its own best rate. (One tutorial's listing
  gives its "batch norm" net another rate and, as printed, no batch-norm layer at all.)
"""
