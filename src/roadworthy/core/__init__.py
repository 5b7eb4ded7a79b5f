"""What the rooms say to each other: records, ports, errors, clock and ids. Imports the standard library only."""
