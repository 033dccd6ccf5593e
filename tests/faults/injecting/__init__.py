"""How faults are made to happen: to system calls, disks and memory of processes that the drill started itself."""
