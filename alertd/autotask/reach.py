from datetime import timedelta
FIRST_PAUSE=timedelta(seconds=1); LONGEST_PAUSE=timedelta(seconds=30)
