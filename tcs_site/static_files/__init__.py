"""Static files: joined, named by their contents and compressed once, when `serve` starts.

Prepared files lie in a folder of their own in the data folder; the web processes get its name in their environment.
Without it, as under a server that is started by hand, the files are served from the source tree as they are.
"""
