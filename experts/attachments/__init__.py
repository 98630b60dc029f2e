"""Files that belong to experts, in the data folder: documents such as a CV, and photos."""
