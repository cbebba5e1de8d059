"""What is wrong with a definition (pure), and the look-ups of names that the cloud must know."""
