"""Several daphne processes behind one socket, and the supervisor that starts them.

The supervisor listens; each process inherits its socket and accepts from it. A second, private socket connects it
with each process: the process says there once it accepts connections, and is asked there to finish. When the
supervisor ends, however that happens, that socket closes, and the process ends too.
"""
