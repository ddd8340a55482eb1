"""What can be done on the local GitHub: each deed changes the world and tells the apps, whoever asked for it."""
