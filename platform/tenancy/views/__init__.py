"""Pages of the installation and of a workspace's settings."""
