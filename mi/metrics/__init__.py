"""What is measured on models and coders. One definition each; per-unit numbers come home as a UnitTable."""
