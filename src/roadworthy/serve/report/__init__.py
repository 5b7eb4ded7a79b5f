"""Reports of sections for applications: written by models as durable jobs, judged, mended, exported and looked at."""
