"""What daphne must refuse before Django is asked: large bodies, slow clients, and too many connections.

Daphne and Twisted receive and parse a whole body before the application hears of the request. The classes of this
package take the places of theirs. They are put there when `tcs_site.asgi` is loaded, so that the limits hold however
daphne is started: by `serve` or manually.
"""
