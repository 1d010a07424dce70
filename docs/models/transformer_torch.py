"""One transformer block with embeddings and a language-model head in PyTorch: the next token from those before it."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_ref.naming import tap


class Attention(nn.Module):
    """Multi-head self-attention in which a position sees itself and what stands before it."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the positions of a batch of shape (batch, length, width)."""
        batch, length, width = x.shape
        q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in self.qkv(x).chunk(3, dim=-1))
        scores = tap("attention.scores", q @ k.transpose(-2, -1) / math.sqrt(width // self.heads))
        past = torch.ones(length, length, dtype=torch.bool).tril()
        weights = tap("attention.weights", scores.masked_fill(~past, -math.inf).softmax(dim=-1))
        mixed = (weights @ v).transpose(1, 2).reshape(batch, length, width)
        return tap("attention.out", self.out(mixed))


class Transformer(nn.Module):
    """Token and position embeddings, one block with layer norm before each part, and a linear head; raw scores of tokens."""

    def __init__(self, vocabulary: int = 32, length: int = 8, width: int = 16, heads: int = 2):
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(length, width)
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the scores of the next token, (batch, length, vocabulary), at every position of tokens (batch, length)."""
        x = tap("embedding", self.token(tokens) + self.position(torch.arange(tokens.shape[1])))
        x = x + self.attention(tap("norm1", self.norm1(x)))
        hidden = tap("mlp.gelu", F.gelu(self.up(tap("norm2", self.norm2(x)))))
        x = tap("block", x + self.down(hidden))
        return tap("head", self.head(tap("norm", self.norm(x))))
