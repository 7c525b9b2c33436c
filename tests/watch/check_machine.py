#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs a guest in the machine that stands in for QEMU, with the plugin recording and comparing, and checks the board and the capture.

check_machine.py PROGRAM PRINT-BOARD VIOMMU PLUGIN MACHINE WAY: with WAY `right` nothing may disagree and all must have been looked at; otherwise the library in the
plugin is wrong in that way, and the oracles named here must notice.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
FIRST, BLOCKS = 256, 600  # that the guests read: machine.h
OVERLAPS = 25  # guest_s390x.c

NOTICED = {
    ('s390x', 'off-by-one'): ('walker', 'shadow', 'data'),
    ('s390x', 'no-protection'): ('walker',),
    ('s390x', 'level-missed'): ('walker',),
    **{(machine, way): ('shadow', 'data') if way == 'off-by-one' else ('shadow',)
       for machine in ('smmuv3', 'vtd', 'vtd-scalable', 'amdvi', 'virtio') for way in ('invalidation-lost', 'invalidation-short', 'off-by-one', 'no-protection')},
}
X86 = {'checks.answer': 700, 'checks.shadow': 4000, 'refreshes.map': 300, 'refreshes.unmap': 300, 'invalidations': 1000}
LEAST = {
    's390x': {'checks.walker': 50000, 'checks.answer': 500, 'checks.shadow': 10000, 'refreshes.map': 100, 'refreshes.unmap': 60, 'refreshes.whole': 40, 'clps': 4},
    **{machine: X86 for machine in ('vtd', 'vtd-scalable', 'amdvi', 'virtio')},
    'smmuv3': {'checks.answer': 300, 'checks.shadow': 10000, 'refreshes.map': 300, 'refreshes.unmap': 200, 'kicks': 300, 'invalidations': 1700, 'configs': 4},
}


class Board:
    def __init__(self, print_board, path):
        text = subprocess.run([print_board, path], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.numbers = {name: int(value) for name, value in re.findall(r'^([a-z_.]+) (\d+)$', text, re.M)}
        self.messages = re.findall(r'^message \d+ (\d) (.*)$', text, re.M)
        self.text = text

    def __getitem__(self, name):
        return self.numbers[name]

    def disagreements(self):
        return sum(self[f'disagreements.{oracle}'] for oracle in ('walker', 'answer', 'shadow', 'data'))

    def require(self, holds, what):
        if not holds:
            sys.exit(f'{self.text}\n{what}')


class Watch:
    def __init__(self, machine, print_board, plugin, target, work):
        self.machine, self.print_board, self.plugin, self.target, self.work = machine, print_board, plugin, target, work
        self.capture = work / 'capture'

    def run(self, *arguments):
        board = self.work / 'board'
        board.unlink(missing_ok=True)
        # The plugin frees nothing before QEMU's process ends: QEMU does not unload it.
        environment = dict(os.environ, ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0')
        subprocess.run([self.machine, self.plugin, self.target, f'board={board}', *arguments], check=True, env=environment)
        return Board(self.print_board, board)


def check_right(watch, viommu):
    board = watch.run(f'numbered={FIRST}+{BLOCKS}', f'out={watch.capture}', 'note=of a machine that is none')
    board.require(board['guest'] == 2 and board['checking'] == 1, 'nothing was checked, or not to the end')
    board.require(not board.disagreements(), 'something disagrees')
    for name, least in LEAST[watch.target].items():
        board.require(board[name] >= least, f'{name} is {board[name]}, which is less than {least}')
    board.require(board['blocks_seen'] == board['checks.data'] == BLOCKS, 'not all blocks were seen')
    board.require(not board['skipped.data'] and not board['skipped.walker'] and not board['skipped.answer'], 'something was skipped')
    # Where two vCPUs refresh at the same time, QEMU's device cannot be asked.
    board.require(board['skipped.shadow'] == (OVERLAPS if watch.target == 's390x' else 0), 'another number of pages than those of overlapping refreshes was skipped')
    board.require(('0', 'of a machine that is none') in board.messages, 'the note is not there')
    for command in ([sys.executable, '-B', TOP / 'tests/recordings/check_recording.py', watch.capture], [viommu, 'replay', watch.capture],
                    [viommu, 'replay', '--pin', 'guest', watch.capture]):
        subprocess.run(command, check=True)
    # The checker alone sees the same.
    alone = watch.run(f'numbered={FIRST}+{BLOCKS}')
    for name, value in board.numbers.items():
        if name != 'watch_ns':
            alone.require(alone[name] == value, f'without a capture {name} is not {value}')


def check_not_judged(watch):
    """Blocks that were not found at the end are not disagreements: the guest may not have read them, or not released their pages."""
    cut_off = watch.run(f'numbered={FIRST}+{BLOCKS + 100}')
    cut_off.require(not cut_off.disagreements() and cut_off['blocks_seen'] == BLOCKS and cut_off['skipped.data'] == 100, '100 blocks were not read')
    cut_off.require(any(kind == '0' and f'the last 100 of {BLOCKS + 100} blocks cannot be judged' in text for kind, text in cut_off.messages),
                    'there is no note of what cannot be judged')
    unread = watch.run('numbered=100000+50')
    unread.require(not unread.disagreements() and unread['skipped.data'] == 50, 'no block was read')
    unread.require(any(kind == '0' and text.startswith('data: nothing can be judged: none of the 50 blocks') for kind, text in unread.messages),
                   'there is no note that nothing can be judged')


def check_wrong(watch, way):
    board = watch.run(f'numbered={FIRST}+{BLOCKS}')
    for oracle in NOTICED[watch.target, way]:
        board.require(board[f'disagreements.{oracle}'], f'the {oracle} did not notice a library that is wrong: {way}')
    board.require(any(kind == '2' and '(disk' in text and 'IOVA 0x' in text for kind, text in board.messages), 'no message names the device')
    if way == 'invalidation-lost':
        board.require(board['skipped.data'] == BLOCKS, 'nothing was released, and the data was judged')
        board.require(any('data: nothing can be judged' in text for _, text in board.messages), 'it is not said that nothing can be judged')


def main():
    machine, print_board, viommu, plugin, target, way = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(machine, print_board, plugin, target, pathlib.Path(folder))
        if way == 'right':
            check_right(watch, viommu)
            check_not_judged(watch)
        else:
            os.environ['VIOMMU_BROKEN_WALK' if target == 's390x' else 'VIOMMU_BROKEN_IOMMU'] = way
            check_wrong(watch, way)


if __name__ == '__main__':
    main()
