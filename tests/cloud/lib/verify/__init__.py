"""End-to-end checks of the small cloud, over plain HTTP, the way an orchestration server drives it."""
