/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interrupt remapping of AMD's guest IOMMU: where a message goes, by entries of 32 and 128 bits,
 * and the event of each one that goes nowhere.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define ID     0xa0u
#define DOMAIN 0x321u
#define FROM   UINT64_C(0xfee00ff4)

/* The third doubleword of a device table entry. */
#define I_IV	   UINT64_C(0x1)
#define I_LEN(n)   ((uint64_t)(n) << 1)
#define I_IG	   UINT64_C(0x20)
#define I_INIT	   (UINT64_C(1) << 56)
#define I_EINT	   (UINT64_C(1) << 57)
#define I_NMI	   (UINT64_C(1) << 58)
#define I_CTL(n)   ((uint64_t)(n) << 60)
#define I_REMAP	   (I_IV | I_LEN(9) | INTERRUPTS | I_CTL(2))
#define FAULT	   (E(2) | E_I | E_DOMAIN(DOMAIN) | ID)
#define VECTOR(n)  ((uint64_t)(n) << 16)
#define DEST(n)	   ((uint64_t)(n) << 8)
#define LOGICAL	   UINT64_C(0x40)
#define TYPE(n)	   ((uint64_t)(n) << 2)
#define SUPPRESS   UINT64_C(0x2)
#define GUEST_MODE UINT64_C(0x80)

static int send(struct rig *rig, uint32_t data, struct viommu_amdvi_message *to)
{
	const struct viommu_amdvi_message from = { .address = FROM, .data = data };

	memset(to, 0xee, sizeof(*to));
	return viommu_amdvi_interrupt(rig->amdvi, ID, &from, to);
}

#define assert_passes(rig, data)		    check(rig, data, FROM, data, __LINE__)
#define assert_remapped(rig, data, address, result) check(rig, data, address, result, __LINE__)
static void check(struct rig *rig, uint32_t data, uint64_t address, uint32_t result, int line)
{
	struct viommu_amdvi_message to;

	_assert_true(!send(rig, data, &to), "delivered", __FILE__, line);
	_assert_int_equal(to.address, address, __FILE__, line);
	_assert_int_equal(to.data, result, __FILE__, line);
	_assert_int_equal(to.reserved, 0, __FILE__, line);
	rig_assert_no_event(rig, __FILE__, line);
}

/* event: 0 for none. */
#define assert_stopped(rig, data, event, address) stopped(rig, data, event, address, __LINE__)
static void stopped(struct rig *rig, uint32_t data, uint64_t event, uint64_t address, int line)
{
	struct viommu_amdvi_message to;

	_assert_true(send(rig, data, &to) == -EFAULT, "stopped", __FILE__, line);
	if (event)
		rig_assert_event(rig, event, address, __FILE__, line);
	rig_assert_no_event(rig, __FILE__, line);
}

static void entry(struct rig *rig, uint64_t dw2)
{
	rig_put_entry(rig, ID, D_V | D_TV, DOMAIN, dw2, 0);
}

/* An entry of 32 bits. */
static void irte(struct rig *rig, unsigned int index, uint64_t value)
{
	uint64_t gpa = INTERRUPTS + 4 * (index & ~1u), shift = index & 1 ? 32 : 0;

	rig_put(rig, gpa, (rig_get(rig, gpa) & ~(UINT64_C(0xffffffff) << shift)) | value << shift);
}

static void test_control(void **state)
{
	struct viommu_amdvi_message from = { .address = FROM, .data = 0x41 }, to;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	/* Disabled: whatever there is. */
	rig_set_up(&rig);
	entry(&rig, I_IV);
	assert_passes(&rig, 0x41);
	rig_enable(&rig);
	assert_stopped(&rig, 0x41, FAULT, FROM);
	entry(&rig, 0);
	assert_passes(&rig, 0x41);
	entry(&rig, I_IV | I_CTL(1));
	assert_passes(&rig, 0x41);
	assert_passes(&rig, 0x4141);
	entry(&rig, I_IV | I_CTL(3));
	assert_stopped(&rig, 0x41, E(1) | E_I | E_RZ | ID, FROM);
	/* IV is independent of V. */
	rig_put_entry(&rig, ID, 0, DOMAIN, I_IV, 0);
	assert_stopped(&rig, 0x41, FAULT, FROM);
	entry(&rig, I_IV | I_IG);
	assert_stopped(&rig, 0x41, 0, 0);
	/* Other types, by the Pass bits: SMI always. */
	entry(&rig, I_IV);
	assert_passes(&rig, 0x200);
	for (unsigned int i = 0; i < 3; i++) {
		static const uint64_t pass[] = { I_NMI, I_INIT, I_EINT };
		static const uint32_t data[] = { 0x400, 0x500, 0x700 };

		entry(&rig, I_IV | I_CTL(1) | ((I_NMI | I_INIT | I_EINT) & ~pass[i]));
		assert_stopped(&rig, data[i], FAULT, FROM);
		entry(&rig, I_IV | pass[i]);
		assert_passes(&rig, data[i]);
	}
	entry(&rig, I_IV | I_CTL(1) | I_NMI | I_INIT | I_EINT);
	assert_stopped(&rig, 0x300, FAULT, FROM);
	assert_stopped(&rig, 0x600, FAULT, FROM);
	/* Each reserved bit of the upper half. */
	for (unsigned int bit = 1; bit < 128; bit++) {
		uint64_t word[2] = { bit < 64 ? UINT64_C(1) << bit : 0, bit < 64 ? 0 : UINT64_C(1) << (bit - 64) };
		bool reserved = word[0] & UINT64_C(0x08f0000000000000) || word[1] & UINT64_C(0x003fffffffffffff);

		rig_put_entry(&rig, ID, D_V, DOMAIN, I_IV | word[0], word[1]);
		if (reserved)
			assert_stopped(&rig, 0x200, E(1) | E_I | E_RZ | ID, FROM);
		else
			assert_passes(&rig, 0x200);
	}
	/* Not an interrupt, or not a DeviceID. */
	from.address = UINT64_C(0xfedfffff);
	assert_int_equal(viommu_amdvi_interrupt(rig.amdvi, ID, &from, &to), -EINVAL);
	from.address = UINT64_C(0xfef00000);
	assert_int_equal(viommu_amdvi_interrupt(rig.amdvi, ID, &from, &to), -EINVAL);
	from.address = FROM;
	assert_int_equal(viommu_amdvi_interrupt(rig.amdvi, 0x10000, &from, &to), -EINVAL);
	/* Beyond the table, and a table that is nowhere. */
	assert_int_equal(viommu_amdvi_interrupt(rig.amdvi, 0x200, &from, &to), -EFAULT);
	assert_event(&rig, E(2) | E_I | 0x200, FROM);
	rig_write64(&rig, R_DEV_TAB, HOLE_GPA | 3);
	assert_stopped(&rig, 0x41, E(3) | E_I | E_ABORT | ID, HOLE_GPA + 32 * ID);
	assert_int_equal(rig_irqs(&rig), 1);
	rig_down(&rig);
}

static void test_32_bits(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	entry(&rig, I_REMAP);
	for (unsigned int index = 0; index < 512; index++)
		irte(&rig, index, 1 | VECTOR(index & 0xff) | DEST(index >> 1) | (index & 2 ? LOGICAL : 0) | TYPE(index >> 2 & 1));
	for (unsigned int index = 0; index < 512; index++)
		assert_remapped(&rig, index, UINT64_C(0xfee00000) | (index >> 1) << 12 | (index & 2 ? 4 : 0), (index & 0xff) | (index >> 2 & 1) << 8);
	/* The trigger is the device's. */
	assert_remapped(&rig, 0xc001, UINT64_C(0xfee00000), 0xc001);
	/* Not present. */
	irte(&rig, 5, VECTOR(5));
	assert_stopped(&rig, 5, FAULT, FROM);
	irte(&rig, 5, SUPPRESS);
	assert_stopped(&rig, 5, 0, 0);
	/* Reserved: bits 31:24, types, guest mode. */
	for (unsigned int bit = 24; bit < 32; bit++) {
		irte(&rig, 5, 1 | UINT64_C(1) << bit);
		assert_stopped(&rig, 5, FAULT | E_PR | E_RZ, FROM);
	}
	for (unsigned int type = 2; type < 8; type++) {
		irte(&rig, 5, 1 | TYPE(type));
		assert_stopped(&rig, 5, FAULT | E_PR | E_RZ, FROM);
	}
	irte(&rig, 5, 1 | GUEST_MODE);
	assert_stopped(&rig, 5, FAULT | E_PR | E_RZ, FROM);
	irte(&rig, 5, 1 | GUEST_MODE | SUPPRESS);
	assert_stopped(&rig, 5, 0, 0);
	entry(&rig, I_REMAP | I_IG);
	irte(&rig, 5, 0);
	assert_stopped(&rig, 5, 0, 0);
	/* Lengths: 2^n entries, at most 2^11. */
	for (unsigned int n = 0; n < 16; n++) {
		entry(&rig, I_IV | I_LEN(n) | INTERRUPTS | I_CTL(2));
		if (n > 11) {
			assert_stopped(&rig, 0, E(1) | E_I | ID, FROM);
			continue;
		}
		assert_remapped(&rig, n && n < 9 ? (1u << n) - 1 : 0, UINT64_C(0xfee00000) | (n && n < 9 ? ((1u << n) - 1) >> 1 << 12 | (n > 1 ? 4 : 0) : 0),
				n && n < 9 ? ((1u << n) - 1) | (n > 2 ? 0x100 : 0) : 0);
		if (n < 9)
			assert_stopped(&rig, 1u << n, FAULT, FROM);
	}
	/* A table that is nowhere. */
	entry(&rig, I_IV | I_LEN(9) | HOLE_GPA | I_CTL(2));
	assert_stopped(&rig, 7, E(4) | E_I | E_ABORT | E_DOMAIN(DOMAIN) | ID, HOLE_GPA + 28);
	rig_down(&rig);
}

static void test_128_bits(void **state)
{
	struct rig_config config = rig_config();
	struct rig rig;

	(void)state;
	config.flags = VIOMMU_AMDVI_X2APIC;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	rig_write64(&rig, R_CONTROL, ALL_EN | GA_EN);
	entry(&rig, I_REMAP);
	rig_put(&rig, INTERRUPTS + 16 * 3, 1 | UINT64_C(0xabcdef) << 8 | LOGICAL | TYPE(1));
	rig_put(&rig, INTERRUPTS + 16 * 3 + 8, UINT64_C(0x12) << 56 | 0x77);
	/* Without XTEn, destinations have 8 bits. */
	assert_remapped(&rig, 3, UINT64_C(0xfee00000) | 0xef << 12 | 4, 0x177);
	rig_write64(&rig, R_CONTROL, ALL_EN | GA_EN | XT_EN);
	assert_remapped(&rig, 3, UINT64_C(0x12abcd00fee00000) | 0xef << 12 | 4, 0x177);
	/* Entries of 32 bits, whatever XTEn says. */
	rig_write64(&rig, R_CONTROL, ALL_EN | XT_EN);
	irte(&rig, 3, 1 | VECTOR(9) | DEST(8));
	assert_remapped(&rig, 3, UINT64_C(0xfee00000) | 8 << 12, 9);
	rig_write64(&rig, R_CONTROL, ALL_EN | GA_EN | XT_EN);
	rig_put(&rig, INTERRUPTS + 16 * 511, 1);
	rig_put(&rig, INTERRUPTS + 16 * 511 + 8, 0xfe);
	assert_remapped(&rig, 511, UINT64_C(0xfee00000), 0xfe);
	/* Each bit of an entry that is reserved. */
	for (unsigned int bit = 1; bit < 128; bit++) {
		uint64_t word[2] = { bit < 64 ? UINT64_C(1) << bit : 0, bit < 64 ? 0 : UINT64_C(1) << (bit - 64) };
		bool reserved = word[0] & UINT64_C(0xffffffff00000098) || word[1] & UINT64_C(0x00ffffffffffff00);
		struct viommu_amdvi_message to;

		rig_put(&rig, INTERRUPTS + 16 * 4, 1 | word[0]);
		rig_put(&rig, INTERRUPTS + 16 * 4 + 8, word[1]);
		if (reserved)
			assert_stopped(&rig, 4, FAULT | E_PR | E_RZ, FROM);
		else
			assert_int_equal(send(&rig, 4, &to), 0);
	}
	rig_put(&rig, INTERRUPTS + 16 * 4, 0);
	assert_stopped(&rig, 4, FAULT, FROM);
	entry(&rig, I_IV | I_LEN(9) | HOLE_GPA | I_CTL(2));
	assert_stopped(&rig, 7, E(4) | E_I | E_ABORT | E_DOMAIN(DOMAIN) | ID, HOLE_GPA + 16 * 7);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_control), cmocka_unit_test(test_32_bits), cmocka_unit_test(test_128_bits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
