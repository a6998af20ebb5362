from __future__ import annotations

import hypothesis
import torch

# No time limit for one example: the machine may be busy with other things. pytest-timeout ends what really hangs.
hypothesis.settings.register_profile("tacit", deadline=None)
hypothesis.settings.load_profile("tacit")
torch.set_num_threads(1)
