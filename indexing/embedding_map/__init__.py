"""The 2-D map of a version: its file, its areas and their names, colours, gaps and moves. `layout` computes it."""
