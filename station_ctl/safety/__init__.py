"""The cause-and-effect table as data, how a Snapshot becomes the interlock's inputs, and the gate."""
