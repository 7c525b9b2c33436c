# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The peak memory of a command, whose output is discarded.

A process begins with the peak of the one that it came from. So this file is run as a program, too: a small one, and always the same, that starts the command.
"""
import os
import subprocess
import sys


def peak_kib(command, environment):
    """Of a command that ends well."""
    done = subprocess.run([sys.executable, "-S", "-E", __file__, *command], capture_output=True, text=True, timeout=300, env=environment)
    if done.returncode:
        raise AssertionError(f"{command}: status {done.returncode}\n{done.stderr}")
    return int(done.stdout)


def main():
    nowhere = os.open(os.devnull, os.O_RDWR)
    command = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)])
    _, status, usage = os.wait4(command, 0)
    print(usage.ru_maxrss)
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
