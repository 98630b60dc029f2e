"""What is computed over a version's map: names of its areas, places of queries, who moved."""
