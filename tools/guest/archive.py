# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes an initramfs: cpio's "newc" form (Linux: Documentation/driver-api/early-userspace/buffer-format.rst), without cpio, and without making a device node
on this machine."""
import stat


class Archive:
    """A cpio archive in memory."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0

    def add(self, name, mode, content=b'', device=(0, 0)):
        self.inode += 1
        path = name.encode() + b'\0'
        fields = [self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0]
        self.data += b'070701' + b''.join(b'%08X' % field for field in fields) + path
        self._pad()
        self.data += content
        self._pad()

    def _pad(self):
        self.data += bytes(-len(self.data) % 4)

    def directory(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, content, mode=0o644):
        self.add(name, stat.S_IFREG | mode, content)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor):
        self.add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def finish(self):
        self.add('TRAILER!!!', 0)
        return bytes(self.data)
