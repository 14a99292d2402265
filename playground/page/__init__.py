"""The page's static files: plain HTML, CSS and ES modules, served by `playground/site.py`."""
