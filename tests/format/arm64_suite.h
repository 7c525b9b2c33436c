/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests of Arm's tables beyond those of every format: what an entry means under each kind of context, and which contexts there are. Included after
 * format_suite.h. The description has two tables more: arm64_cases and arm64_tsz.
 */
static int arm64_root_of(uint64_t control, uint64_t table, struct format_root *root)
{
	return F(root)(&(struct format_anchor){ table, control }, root);
}

static void arm64_entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < SPEC_COUNT(arm64_cases); i++) {
		const struct spec_entry *spec = &arm64_cases[i].entry;
		struct format_root root = { .level = 0 };
		enum format_kind kind;

		assert_int_equal(arm64_root_of(arm64_cases[i].control, 0, &root), 0);
		kind = F(kind)(&root, spec->level, spec->entry);
		if (kind != spec->kind)
			fail_msg("control %#llx, level %u, %#llx: kind %d, not %d", (unsigned long long)arm64_cases[i].control, spec->level,
				 (unsigned long long)spec->entry, (int)kind, (int)spec->kind);
		if (kind != FORMAT_TABLE && kind != FORMAT_LEAF)
			continue;
		assert_true((kind == FORMAT_TABLE ? F(table_address)(spec->level, spec->entry) : F(leaf_address)(spec->level, spec->entry)) == spec->address);
		if (F(prot)(&root, spec->level, spec->entry) != spec->prot)
			fail_msg("control %#llx, level %u, %#llx: rights %u, not %u", (unsigned long long)arm64_cases[i].control, spec->level,
				 (unsigned long long)spec->entry, F(prot)(&root, spec->level, spec->entry), spec->prot);
	}
}

/* Every TSZ with every IPS, at either end. */
static void arm64_contexts(void **state)
{
	static const unsigned int output_bits[] = { 32, 36, 40, 42, 44, 48, ARM64_MOST_OUTPUT_BITS };

	(void)state;
	for (uint64_t control = 0; control < 0x400; control++) {
		unsigned int tsz = control % 64, ips = control / 64 % 8;
		const struct arm64_tsz *row = NULL;
		struct format_root root = { .level = 0 };
		uint64_t entries, size;
		bool upper = control & 0x200;

		for (size_t i = 0; i < SPEC_COUNT(arm64_tsz); i++)
			if (tsz >= arm64_tsz[i].first && tsz <= arm64_tsz[i].last)
				row = &arm64_tsz[i];
		if (!row || ips == 7) {
			assert_int_equal(arm64_root_of(control, 0, &root), -PORT_EINVAL);
			continue;
		}
		size = UINT64_C(1) << (64 - tsz);
		entries = size >> spec_levels[row->level].shift;
		assert_int_equal(arm64_root_of(control, 0, &root), 0);
		assert_int_equal(root.level, row->level);
		assert_true(root.first == (upper ? 0 - size : 0));
		assert_true(root.last == (upper ? UINT64_MAX : size - 1));
		assert_int_equal(root.bounds.last - root.bounds.first + 1, entries);
		assert_int_equal(root.bounds.first, upper ? suite_entries(row->level) - entries : 0);
		/* The first entry is where the table is, and the first IOVA has it. */
		assert_true(root.table + 8 * (uint64_t)root.bounds.first == 0);
		assert_int_equal(F(index)(row->level, root.first), root.bounds.first);
		assert_int_equal(F(index)(row->level, root.last), root.bounds.last);
		/* A table within the output size, at the last place there is; and the first place beyond it. */
		assert_int_equal(arm64_root_of(control, (UINT64_C(1) << output_bits[ips]) - 1, &root), 0);
		for (unsigned int bit = output_bits[ips]; bit < 64; bit++)
			assert_int_equal(arm64_root_of(control, UINT64_C(1) << bit, &root), -PORT_EINVAL);
		/* Unknown bits. */
		for (unsigned int bit = 13; bit < 64; bit++)
			assert_int_equal(arm64_root_of(control | UINT64_C(1) << bit, 0, &root), -PORT_EINVAL);
	}
}

/* What the core writes for a page, or for a part of a leaf, means the same under every context: its rights do not depend on one. */
static void arm64_pages(void **state)
{
	static const uint64_t addresses[] = { 0, 0x1000, 0x5000, 0xffff000, UINT64_C(0xfffff000), UINT64_C(0x000fffffffffe000) };
	unsigned int judged = 0;

	(void)state;
	for (uint64_t control = 0; control < 0x2000; control++) {
		struct format_root root = { .level = 0 };

		if (arm64_root_of(control, 0, &root))
			continue;
		/* A page is judged by the output size, a part is not: the leaf was. */
		for (size_t i = 0; i < SPEC_COUNT(addresses) && (SPEC_LOWEST || addresses[i] >> 32 == 0); i++)
			for (uint32_t prot = VIOMMU_READ; prot <= VIOMMU_RW; prot += VIOMMU_WRITE) {
				uint64_t entry = F(leaf_entry)(0, addresses[i], prot);

				assert_int_equal(F(kind)(&root, 0, entry), FORMAT_LEAF);
				assert_true(F(leaf_address)(0, entry) == addresses[i]);
				assert_int_equal(F(prot)(&root, 0, entry), prot);
				judged++;
			}
	}
	assert_true(judged > 10000);
}

#define ARM64_SUITE_TESTS FORMAT_SUITE_TESTS, cmocka_unit_test(arm64_entries), cmocka_unit_test(arm64_contexts), cmocka_unit_test(arm64_pages)
