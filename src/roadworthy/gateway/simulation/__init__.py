"""Fault schedules in virtual time against the real decision code of one gateway: a failure replays from its seed."""
