"""The mutants, by what they touch. Nothing heavy is imported before one is enacted."""
