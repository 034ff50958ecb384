"""The organism: a small language model with known answers, and the world it learned."""
