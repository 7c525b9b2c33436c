# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Common parts of the checks of recordings, for all guest IOMMUs."""
import collections

PAGE = 4096


class Wrong(Exception):
    pass


def shown(page):
    return f'{page[0]:#x} {page[1]}' if page else 'nothing'


class Memory:
    """Guest memory, as a capture describes it."""

    def __init__(self):
        self.words = {}  # GPA -> doubleword; what is not there is zero
        self.slots = []  # (first, last, rights)

    def has(self, gpa):
        return any(first <= gpa <= last for first, last, _ in self.slots)

    def rights(self, gpa):
        return next(rights for first, last, rights in self.slots if first <= gpa <= last)

    def load(self, gpa):
        if not self.has(gpa):
            raise Wrong(f'a table entry at {gpa:#x}, where the guest has no memory')
        return self.words.get(gpa, 0)


class Recording:
    """Takes a capture's lines one by one: each record has a method of its keyword. answers() returns the translations of self.asked by the tables."""

    def __init__(self):
        self.memory = Memory()
        self.count = collections.Counter()
        self.time = -1
        self.asked = None  # what the answer being read is about
        self.answer = None  # {IOVA: (GPA, rights)}
        self.ended = False

    def line(self, text):
        keyword, *words = text.split(' ')
        if keyword == 'note':
            return
        if self.answer is not None and keyword != 'page':
            self.compare()
        if self.ended:
            raise Wrong('there is more behind the end')
        if keyword in ('mem', 'page'):
            getattr(self, keyword)(*words)
            return
        fields = {}
        for word in words:
            key, value = word.split('=')
            fields[key] = value if value[0].isalpha() else int(value, 0)
        getattr(self, keyword)(**fields)

    def slot(self, gpa, bytes, prot):
        self.memory.slots.append((gpa, gpa + bytes - 1, prot))

    def mem(self, gpa, value, count='1'):
        for i in range(int(count, 0)):
            self.memory.words[int(gpa, 0) + 8 * i] = int(value, 0)
        self.count['doublewords'] += int(count, 0)

    def operation(self, t):
        self.count['operations'] += 1
        if t < self.time:
            raise Wrong(f'time goes back from {self.time} to {t}')
        self.time = t

    def begin_answer(self, asked):
        self.asked = asked
        self.answer = {}

    def page(self, iova, gpa, rights, count='1'):
        iova, gpa, count = int(iova, 0), int(gpa, 0), int(count, 0)
        for i in range(count):
            if iova + i * PAGE in self.answer:
                raise Wrong(f'IOVA {iova + i * PAGE:#x} is answered twice')
            self.answer[iova + i * PAGE] = (gpa + i * PAGE, rights)

    def compare(self):
        answer, self.answer = self.answer, None
        walked = self.answers(*self.asked)
        for iova in sorted(answer.keys() | walked.keys()):
            if answer.get(iova) != walked.get(iova):
                raise Wrong(f'IOVA {iova:#x}: QEMU says {shown(answer.get(iova))}, the tables say {shown(walked.get(iova))}')
        self.count['answers'] += 1
        self.count['pages'] += len(answer)

    def end(self, operations):
        if operations != self.count['operations']:
            raise Wrong(f"{self.count['operations']} operations, and the end says {operations}")
        self.ended = True


class Streams(Recording):
    """A recording of a guest whose devices are streams, each with its sid."""

    def __init__(self):
        super().__init__()
        self.there = False
        self.streams = set()
        self.registers = {}
        self.may_ask = set()  # streams that QEMU may have been asked about

    def iommu(self, address_bits=48, bypass=0):
        if self.there:
            raise Wrong('there is an IOMMU already')
        self.there = True

    def stream(self, sid):
        if sid in self.streams:
            raise Wrong(f'stream {sid:#x} is there already')
        self.streams.add(sid)

    def kick(self, sid, t):
        self.operation(t)
        self.count['kicks'] += 1
        if sid not in self.streams:
            raise Wrong(f'stream {sid:#x} is not there')
        self.may_ask = {sid}

    def oracle(self, sid, first, last):
        if sid not in self.may_ask:
            raise Wrong(f'the oracle answered for stream {sid:#x}, with which the operation had nothing to do')
        self.begin_answer((sid, first, last))

    def begin_write(self, t):
        """A store to a register: until it says otherwise, QEMU was asked about nothing."""
        self.operation(t)
        self.may_ask = set()
        self.count['writes'] += 1

    def put(self, offset, bytes, value):
        """Registers by their halves."""
        self.registers[offset] = value & 0xffffffff
        if bytes == 8:
            self.registers[offset + 4] = value >> 32

    def get(self, offset):
        return self.registers.get(offset, 0) | self.registers.get(offset + 4, 0) << 32

    def answers(self, sid, first, last):
        found = {}
        for iova in range(first, last + 1, PAGE):
            leaf = self.leaf(sid, iova)
            # Where there is no memory, there is nothing that the library would reach.
            if leaf and leaf[1] and self.memory.has(leaf[0]):
                found[iova] = leaf
        return found
