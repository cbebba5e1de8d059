"""What a change will do, computed before anything happens (pure)."""
