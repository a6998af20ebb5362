"""Secure multi-party computation for PyTorch: a secret is a `torch.Tensor`."""
