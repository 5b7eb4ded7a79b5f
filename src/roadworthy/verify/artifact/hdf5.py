"""HDF5."""
def claims(source, head): return head[:8]==b"\x89HDF\r\n\x1a\n"
def judge(source, inspection): inspection.recognise("hdf5"); inspection.find("hdf5.unwalkable","not yet")
