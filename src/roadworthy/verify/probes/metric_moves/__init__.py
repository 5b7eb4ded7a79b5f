"""OBS-01: each documented metric moves when its event is caused."""
