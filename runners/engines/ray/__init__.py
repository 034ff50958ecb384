"""The engine ray: tasks of a Ray cluster."""
