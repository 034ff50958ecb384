"""Auto-interpretation: explaining latents, and scoring the explanations by what they predict."""
