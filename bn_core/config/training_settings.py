"""How the nets are trained."""

from dataclasses import dataclass

from bn_core.settings import Schedule, Setting, choice, declare, number, schedule, whole

MOST_STEPS = 10_000

LEARNING_RATE = Setting(
    "log",
    "lr",
    "Learning rate",
    "What the gradient is multiplied by to make a step; Adam and RMSprop rescale it first. A fair "
    "comparison gives each net its own best rate. The rate can be changed while the nets train; "
    "the link keeps the change and repeats it.",
    0.1,
    1e-4,
    30.0,
)


@dataclass(frozen=True)
class TrainingSettings:
    """Optimizer, batches, steps and seeds."""

    optimizer: str = choice(
        "sgd",
        {"sgd": "SGD", "momentum": "SGD, momentum 0.9", "rmsprop": "RMSprop", "adam": "Adam"},
        key="opt",
        label="Optimizer",
        help="How gradients become steps. RMSprop and Adam want far smaller rates than SGD.",
    )
    learning_rate: float = declare(LEARNING_RATE)
    rate_changes: Schedule = schedule(
        LEARNING_RATE,
        MOST_STEPS,
        key="then",
        label="Learning rate changes",
        help="Steps after which the learning rate was changed while the nets trained.",
    )
    batch_size: int = whole(
        64,
        1,
        512,
        key="batch",
        label="Batch size",
        help="How many examples make one step, and how many share batch norm's mean and "
        "variance. It matters to nets without batch norm too. The rest of an epoch that fills no "
        "batch is left out; each epoch is shuffled anew.",
    )
    accumulate: int = whole(
        1,
        1,
        64,
        key="acc",
        label="Micro-batches per update",
        help="Gradient accumulation: each batch is cut into so many parts, which pass the net one "
        "after the other; their gradients are averaged for one update. Batch norm takes the mean "
        "and variance of each part alone, so its batch is smaller, as with data parallelism "
        "without synchronized statistics. Without batch norm nothing changes.",
        shown=False,
    )
    weight_decay: float = number(
        0.0,
        0.0,
        0.1,
        key="decay",
        label="Weight decay",
        help="Pulls weights towards zero; biases, gamma and beta are spared, as is usual. In front "
        "of batch norm it does not shrink the net's function: it keeps the effective learning "
        "rate, rate / |W|², from dying away.",
    )
    dropout: float = number(
        0.0,
        0.0,
        0.9,
        key="drop",
        label="Dropout",
        help="Share of each hidden layer's outputs that is zeroed at random in training.",
    )
    steps: int = whole(
        1000,
        1,
        MOST_STEPS,
        key="steps",
        label="Steps to run",
        help="How many mini-batches a run trains on.",
    )
    seed: int = whole(
        0,
        0,
        999_999,
        key="seed",
        label="Seed",
        help="Data, initial weights, batches and dropout are drawn from it. The same seed gives "
        "the same run.",
    )
    replicas: int = whole(
        3,
        1,
        10,
        key="seeds",
        label="Seeds at once",
        help="How many times each net is trained, each time from other initial weights and "
        "batches. Curves are medians, bands show the range: one run proves little.",
    )
