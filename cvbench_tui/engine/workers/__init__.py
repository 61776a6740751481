"""Processes that measure: started, asked, watched, ended; one after the other, or round by round."""
