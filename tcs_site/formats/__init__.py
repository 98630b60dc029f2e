"""How dates and times are written, by locale; Django reads it through FORMAT_MODULE_PATH.

Months have names, because 4/5 is the fourth of May to one reader and the fifth of April to another. Two formats are
not Django's: CLOCK_FORMAT is a time with seconds, EXACT_FORMAT a date and time with seconds and zone.
"""
