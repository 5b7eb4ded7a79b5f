"""What Streamlit runs for every view of the console: the frame around the pages, and the one page that is asked for."""

from roadworthy.console.frame import show

show()
