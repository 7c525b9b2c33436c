/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observing VT-d in caching mode: legacy mode, and scalable mode with second-stage tables.
 *
 *  - A store to IQT submits all descriptors up to QEMU's IQT, which another vCPU may have moved
 *    since. So the descriptors are recorded in QEMU's order.
 *  - The library writes the status of a wait once more than QEMU. Until the callback returns, the
 *    vCPU that waits for it is stopped.
 *  - A failing access is a fault. During queries FECTL.IM is 1, and afterwards the fault recording
 *    register is empty again, unless it was not before.
 */
#include "vtd/spec.h"
#include "watched.h"

#define LEVELS_MOST 5u

static struct {
	uint32_t gsts; /* QEMU's, after the last store to GCMD */
	uint64_t rtaddr;
	uint64_t root; /* RTADDR at the last SRTP */
	uint64_t iqa;
	uint64_t consumed; /* offset in the queue */
	bool quiet;
	uint32_t fectl, fsts; /* before it was quiet */
} state;

static struct table_entry entry_of(const struct table_layout *layout, unsigned int level, uint64_t value)
{
	struct table_entry entry = { .kind = TABLE_NOTHING };

	if (!SS_READ(value) && !SS_WRITE(value))
		return entry;
	if (!level || SS_PAGE(value)) {
		entry.kind = TABLE_LEAF;
		entry.address = FIELD(value, 51, layout->shift[level]);
		entry.prot = (SS_READ(value) ? CAPTURE_R : 0) | (SS_WRITE(value) ? CAPTURE_W : 0);
		return entry;
	}
	entry.kind = TABLE_NEXT;
	entry.address = SS_ADDRESS(value);
	entry.last = 511;
	return entry;
}

static const struct table_layout layout = { .entry = entry_of, .shift = { 12, 21, 30, 39, 48 } };

static void walk(struct tables *tables, struct stream *stream, uint64_t table, unsigned int levels)
{
	struct table_root root = { .table = table, .level = levels - 1, .last = 511 };

	if (levels >= 3 && levels <= LEVELS_MOST)
		tables_walk(tables, &layout, &root, 0, UINT64_MAX, &stream->valid);
}

static bool look_legacy(struct tables *tables, struct stream *stream)
{
	uint64_t at = ROOT_ADDRESS(state.root) + (stream->pci.requester >> 8) * UINT64_C(16), root[2], context[2];

	if (!tables_load(tables, at, root, 2) || !ENTRY_PRESENT(root[0]) ||
	    !tables_load(tables, ENTRY_ADDRESS(root[0]) + (stream->pci.requester & 0xff) * UINT64_C(16), context, 2) || !ENTRY_PRESENT(context[0]) ||
	    CONTEXT_TYPE(context[0]) != CONTEXT_TABLES)
		return false;
	stream_set_domain(stream, true, CONTEXT_DID(context[1]));
	walk(tables, stream, ENTRY_ADDRESS(context[0]), LEVELS_OF_AW(CONTEXT_AW(context[1])));
	return true;
}

/* The lower half of a bus' devices has a context table of its own. */
static bool look_scalable(struct observer *observer, struct stream *stream)
{
	struct tables *tables = &observer->tables;
	uint64_t at = ROOT_ADDRESS(state.root) + (stream->pci.requester >> 8) * UINT64_C(16), root[2], context[4], directory, entry[8];
	unsigned int devfn = stream->pci.requester & 0xff;
	uint32_t pasid;

	if (!tables_load(tables, at, root, 2) || !ENTRY_PRESENT(root[devfn >> 7]) ||
	    !tables_load(tables, ENTRY_ADDRESS(root[devfn >> 7]) + (devfn & 0x7f) * UINT64_C(32), context, 4) || !ENTRY_PRESENT(context[0]))
		return false;
	pasid = RID_PASID(context[1]);
	if (!tables_load(tables, ENTRY_ADDRESS(context[0]) + (pasid >> 6) * UINT64_C(8), &directory, 1) || !ENTRY_PRESENT(directory) ||
	    !tables_load(tables, ENTRY_ADDRESS(directory) + (pasid & 63) * UINT64_C(64), entry, 8) || !ENTRY_PRESENT(entry[0]))
		return false;
	/* These are not announced. */
	if (PASID_TYPE(entry[0]) == PASID_FIRST && !observer->off)
		observer_give_up(observer, "nothing more is watched: the guest uses first-stage tables");
	if (PASID_TYPE(entry[0]) != PASID_SECOND)
		return false;
	stream_set_domain(stream, true, PASID_DID(entry[1]));
	walk(tables, stream, ENTRY_ADDRESS(entry[0]), LEVELS_OF_AW(PASID_AW(entry[0])));
	return true;
}

static bool look(struct streams *streams, struct stream *stream)
{
	struct tables *tables = &streams->observer->tables;
	bool found = false;

	tables->lost = false;
	if (GSTS_TES(state.gsts))
		found = ROOT_SCALABLE(state.root) ? look_scalable(streams->observer, stream) : look_legacy(tables, stream);
	if (!found)
		stream_set_domain(stream, false, 0);
	return !tables->lost;
}

static void set_quiet(struct streams *streams, bool quiet)
{
	const struct watched *watched = watched_of(streams);
	uint32_t new;

	if (quiet == state.quiet)
		return;
	state.quiet = quiet;
	if (quiet) {
		state.fectl = watched_get32(watched, REG_FECTL);
		state.fsts = watched_get32(watched, REG_FSTS);
		watched_set32(watched, REG_FECTL, state.fectl | FECTL_IM);
		return;
	}
	if (!(state.fsts & FSTS_PPF))
		watched_set32(watched, REG_FRCD3, FRCD3_F);
	new = watched_get32(watched, REG_FSTS) & ~state.fsts &FSTS_PFO;
	if (new)
		watched_set32(watched, REG_FSTS, new);
	watched_set32(watched, REG_FECTL, state.fectl & FECTL_IM);
}

static bool add_descriptor(struct invalids *invalids, const uint64_t *word)
{
	struct invalid invalid = { .any_stream = true, .domain = DESC_DID(word[0]), .last = UINT64_MAX };
	unsigned int type = DESC_TYPE(word[0]), granularity = DESC_G(word[0]);

	invalids->commands++;
	if (type == DESC_CONTEXT || type == DESC_PASID)
		invalids->configs++;
	if (type != DESC_IOTLB && type != DESC_PASID_IOTLB)
		return true;
	invalids->invalidations++;
	/* By PASID, 2 is all of it. */
	invalid.any_domain = granularity == G_GLOBAL;
	if (granularity == G_PAGES) {
		uint64_t bytes = UINT64_C(4096) << DESC_AM(word[1]);

		invalid.first = DESC_ADDRESS(word[1]) & ~(bytes - 1);
		invalid.last = invalid.first + (bytes - 1);
	}
	return invalids_put(invalids, &invalid);
}

/* Submits what QEMU has taken from the queue. */
static void consume(struct watched *watched)
{
	struct capture_record operation = { .kind = CAPTURE_WRITE, .write = { .offset = REG_IQT, .bytes = 4 } };
	uint64_t tail = IQ_OFFSET(watched_get32(watched, REG_IQT));
	struct watched_ring ring = {
		.gpa = IQA_ADDRESS(state.iqa),
		.size = UINT64_C(4096) << IQA_SIZE(state.iqa),
		.bytes = IQA_WIDE(state.iqa) ? 32 : 16,
		.head = state.consumed,
		.add = add_descriptor,
	};

	if (!GSTS_QIES(state.gsts) || tail == state.consumed || tail >= ring.size)
		return;
	watched_take(watched, &ring, tail);
	operation.write.value = tail;
	watched_submit(watched, &operation);
	/* QEMU's queue stands still at a descriptor that it refuses. */
	state.consumed = IQ_OFFSET(watched_get32(watched, REG_IQH));
}

static bool refuses(struct watched *watched)
{
	return FSTS_IQE(watched_get32(watched, REG_FSTS));
}

/* Structures are read when the pointer is set, and when translation is enabled. */
static void store_command(struct watched *watched, uint64_t value)
{
	uint32_t before = state.gsts;

	state.gsts = watched_get32(watched, REG_GSTS);
	if (GCMD_SRTP(value))
		state.root = state.rtaddr;
	if (GSTS_QIES(state.gsts) && !GSTS_QIES(before))
		state.consumed = 0;
	streams_forget(&watched->streams);
	streams_look(&watched->streams, NULL);
	watched_write(watched, REG_GCMD, 4, value);
	if (GSTS_QIES(state.gsts) && !GSTS_QIES(before))
		consume(watched);
}

static void store(struct watched *watched, const struct qemu_target *target, unsigned int bytes, uint64_t value)
{
	uint64_t offset = target->offset;

	if ((bytes != 4 && bytes != 8) || offset % bytes)
		return;
	switch (offset) {
	case REG_GCMD:
		store_command(watched, value);
		return;
	case REG_IQT:
		if (GSTS_QIES(state.gsts)) {
			consume(watched);
			return;
		}
		break;
	case REG_RTADDR:
		watched_set_low(&state.rtaddr, bytes, value);
		break;
	case REG_RTADDR + 4:
		watched_set_high(&state.rtaddr, value);
		break;
	case REG_IQA:
		watched_set_low(&state.iqa, bytes, value);
		break;
	case REG_IQA + 4:
		watched_set_high(&state.iqa, value);
		break;
	case REG_CCMD:
	case REG_CCMD + 4:
	case REG_IOTLB:
	case REG_IOTLB + 4:
		/* Invalidations by registers, of whatever. */
		streams_forget(&watched->streams);
		streams_look(&watched->streams, NULL);
		break;
	}
	watched_write(watched, offset, bytes, value);
}

static bool begin(struct watched *watched, struct capture_record *iommu)
{
	int64_t bits = object_property_get_int(watched->iommu, "aw-bits", NULL);

	if (object_property_get_bool && !object_property_get_bool(watched->iommu, "caching-mode", NULL)) {
		observer_give_up(watched->observer, "nothing is watched: the guest says what becomes valid with caching-mode=on alone");
		return false;
	}
	if (bits >= 32 && bits <= 64 && bits != CAPTURE_IOMMU_ADDRESS_BITS)
		iommu->iommu.address_bits = (uint32_t)bits;
	return true;
}

const struct watched_ops vtd_watched_ops = {
	.streams = { .look = look, .quiet = set_quiet },
	.begin = begin,
	.store = store,
	.refuses = refuses,
};
