/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observing AMD-Vi with host page tables (v1).
 *
 *  - A store to the tail submits all commands up to QEMU's tail, which another vCPU may have moved
 *    since. So the commands are recorded in QEMU's order.
 *  - The library stores the data of a COMPLETION_WAIT once more than QEMU. Until the callback
 *    returns, the vCPU that waits for it is stopped.
 *  - A failing access is an event: EventLogEn is 0 during queries, and always for the library.
 */
#include "amdvi/spec.h"
#include "watched.h"

#define LEVELS_MOST 6u

static struct {
	uint64_t devices, commands, control; /* as the guest has stored them */
	uint64_t consumed;		     /* offset in the buffer */
	bool quiet;
} state;

/* The size of a leaf with NextLevel 7: twice the lowest address bit that is 0. */
static unsigned int bits_of(uint64_t value)
{
	return (unsigned int)__builtin_ctzll(~(value >> 12 & ((UINT64_C(1) << 40) - 1))) + 13;
}

static struct table_entry entry_of(const struct table_layout *layout, unsigned int level, uint64_t value)
{
	unsigned int next = PTE_NEXT(value), bits = layout->shift[level];
	struct table_entry entry = { .kind = TABLE_NOTHING };

	if (!PTE_PRESENT(value))
		return entry;
	if (next && next != PTE_SIZED) {
		/* Linux skips no level. */
		entry.kind = next == level ? TABLE_NEXT : TABLE_NOTHING;
		entry.address = PTE_ADDRESS(value);
		entry.last = 511;
		return entry;
	}
	if (next == PTE_SIZED) {
		bits = bits_of(value);
		entry.bits = bits;
	}
	if (bits > 51)
		return entry;
	entry.kind = TABLE_LEAF;
	entry.address = FIELD(value, 51, bits);
	entry.prot = (PTE_READ(value) ? CAPTURE_R : 0) | (PTE_WRITE(value) ? CAPTURE_W : 0);
	if (!entry.prot)
		entry.kind = TABLE_NOTHING;
	return entry;
}

static const struct table_layout layout = { .entry = entry_of, .shift = { 12, 21, 30, 39, 48, 57 } };

static bool look_at_entry(struct tables *tables, struct stream *stream)
{
	uint64_t at = stream->pci.requester * UINT64_C(32), entry[4];
	struct table_root root = { .last = 511 };

	if (at >= DEVICES_PAGES(state.devices) * 4096 || !tables_load(tables, BASE_ADDRESS(state.devices) + at, entry, 4) || !DTE_VALID(entry[0]) ||
	    !DTE_TABLES(entry[0]) || !DTE_MODE(entry[0]) || DTE_MODE(entry[0]) > LEVELS_MOST)
		return false;
	stream_set_domain(stream, true, DTE_DOMAIN(entry[1]));
	root.table = DTE_ROOT(entry[0]);
	root.level = DTE_MODE(entry[0]) - 1;
	/* 12 + 6 * 9 = 66: the top level has only 128 entries. */
	if (root.level == LEVELS_MOST - 1)
		root.last = 127;
	tables_walk(tables, &layout, &root, 0, UINT64_MAX, &stream->valid);
	return true;
}

static bool look(struct streams *streams, struct stream *stream)
{
	struct tables *tables = &streams->observer->tables;

	tables->lost = false;
	if (!CONTROL_ENABLED(state.control) || !look_at_entry(tables, stream))
		stream_set_domain(stream, false, 0);
	return !tables->lost;
}

static void set_quiet(struct streams *streams, bool quiet)
{
	if (quiet == state.quiet || !(state.control & CONTROL_EVENTS))
		return;
	state.quiet = quiet;
	watched_set32(watched_of(streams), REG_CONTROL, (uint32_t)(quiet ? state.control & ~(uint64_t)CONTROL_EVENTS : state.control));
}

static bool add_command(struct invalids *invalids, const uint64_t *word)
{
	struct invalid invalid = { .any_stream = true, .domain = COMMAND_DOMAIN(word[0]), .last = UINT64_MAX };
	unsigned int code = COMMAND_CODE(word[0]), bits;

	invalids->commands++;
	if (code == COMMAND_DEVICE || code == COMMAND_ALL)
		invalids->configs++;
	if (code != COMMAND_INVALIDATE && code != COMMAND_ALL)
		return true;
	invalids->invalidations++;
	invalid.any_domain = code == COMMAND_ALL;
	if (code == COMMAND_INVALIDATE) {
		bits = COMMAND_SIZE(word[1]) ? (unsigned int)__builtin_ctzll(~(word[1] >> 12)) + 13 : 12;
		if (bits < 63) {
			invalid.first = COMMAND_PAGES(word[1]) >> bits << bits;
			invalid.last = invalid.first + ((UINT64_C(1) << bits) - 1);
		}
	}
	return invalids_put(invalids, &invalid);
}

static void consume(struct watched *watched)
{
	struct capture_record operation = { .kind = CAPTURE_WRITE, .write = { .offset = REG_TAIL, .bytes = 4 } };
	uint64_t tail = INDEX(watched_get32(watched, REG_TAIL));
	struct watched_ring ring = {
		.gpa = BASE_ADDRESS(state.commands),
		.size = UINT64_C(16) << COMMANDS_BITS(state.commands),
		.bytes = 16,
		.head = state.consumed,
		.add = add_command,
	};

	if (!CONTROL_ENABLED(state.control) || !CONTROL_RUNS(state.control) || tail == state.consumed || tail >= ring.size)
		return;
	watched_take(watched, &ring, tail);
	state.consumed = ring.head;
	operation.write.value = tail;
	watched_submit(watched, &operation);
}

/* Structures are read when the IOMMU is enabled. */
static void store_control(struct watched *watched, unsigned int bytes, uint64_t value)
{
	uint64_t before = state.control;

	watched_set_low(&state.control, bytes, value);
	if (CONTROL_ENABLED(before ^ state.control))
		streams_forget(&watched->streams);
	streams_look(&watched->streams, NULL);
	watched_write(watched, REG_CONTROL, bytes, value);
	if (CONTROL_RUNS(before ^ state.control))
		consume(watched);
}

static void store(struct watched *watched, const struct qemu_target *target, unsigned int bytes, uint64_t value)
{
	uint64_t offset = target->offset;

	if ((bytes != 4 && bytes != 8) || offset % bytes)
		return;
	switch (offset) {
	case REG_DEVICES:
		watched_set_low(&state.devices, bytes, value);
		break;
	case REG_DEVICES + 4:
		watched_set_high(&state.devices, value);
		break;
	case REG_COMMANDS:
		watched_set_low(&state.commands, bytes, value);
		state.consumed = 0;
		break;
	case REG_COMMANDS + 4:
		watched_set_high(&state.commands, value);
		break;
	case REG_HEAD:
		state.consumed = INDEX(value);
		break;
	case REG_CONTROL:
		store_control(watched, bytes, value);
		return;
	case REG_TAIL:
		if (CONTROL_RUNS(state.control)) {
			consume(watched);
			return;
		}
		break;
	}
	watched_write(watched, offset, bytes, value);
}

static void silence(struct capture_write *write)
{
	if (write->offset == REG_CONTROL)
		write->value &= ~(uint64_t)CONTROL_EVENTS;
}

static bool begin(struct watched *watched, struct capture_record *iommu)
{
	(void)watched;
	(void)iommu;
	return true;
}

const struct watched_ops amdvi_watched_ops = {
	.streams = { .look = look, .quiet = set_quiet },
	.begin = begin,
	.store = store,
	.silence = silence,
};
