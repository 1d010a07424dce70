"""Two small real models, each as a PyTorch module and as a Flax port, and the mistakes that a port of them invites."""
