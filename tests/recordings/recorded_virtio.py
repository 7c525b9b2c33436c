# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Recordings of guests with a virtio-iommu: what requests have mapped, by section 5.13.6 of virtio 1.3."""
from recorded import Streams, Wrong


class Virtio(Streams):
    def __init__(self):
        super().__init__()
        self.bypass = 0
        self.domains = {}  # domain -> {first: (last, GPA, rights)}
        self.attached = {}  # endpoint -> domain, or None in bypass

    def iommu(self, address_bits=48, bypass=0):
        super().iommu()
        self.bypass = bypass

    def driver(self, features, t):
        self.operation(t)
        self.count['drivers'] += 1
        self.may_ask = set()
        if not features:
            self.domains, self.attached = {}, {}

    def request(self, type, domain, t, endpoint=0, first=0, last=0, gpa=0, flags=0, status=None):
        self.operation(t)
        self.count[type] += 1
        self.may_ask = self.streams
        if status:
            return
        if type in ('attach', 'detach'):
            if endpoint not in self.streams:
                raise Wrong(f'stream {endpoint:#x} is not there')
            self.attached.pop(endpoint, None)
            if type == 'attach':
                self.attached[endpoint] = None if flags & 1 else domain
            self.domains = {name: pages for name, pages in self.domains.items() if name in self.attached.values()}
            return
        pages = self.domains.setdefault(domain, {})
        touched = [at for at, (end, _, _) in pages.items() if at <= last and end >= first]
        if type == 'map':
            if touched:
                raise Wrong(f'{first:#x} is mapped twice')
            pages[first] = (last, gpa, ('', 'r', 'w', 'rw')[flags & 3])
            return
        for at in touched:
            if at < first or pages[at][0] > last:
                raise Wrong(f'the mapping at {at:#x} is split')
            del pages[at]

    def leaf(self, sid, iova):
        if sid not in self.attached:
            return (iova, 'rw') if self.bypass else None
        domain = self.attached[sid]
        if domain is None:
            return iova, 'rw'
        for first, (last, gpa, rights) in self.domains.get(domain, {}).items():
            if first <= iova <= last:
                return gpa + iova - first, rights
        return None
