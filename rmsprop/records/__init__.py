"""What is published, and whether it repeats: records of figures, claims, verification, archives."""
