"""What a session will build, before it builds anything."""
