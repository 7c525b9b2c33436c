/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Decoding of instructions. The expected fields were taken apart by hand from the instruction
 * formats of the Principles of Operation:
 *   RRE  OPCODE(16) //(8) R1 R2
 *   RXY  OP(8) R1 X2 B2 DL2(12) DH2(8) OP(8)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "guest/zpci/decode.h"

static struct zpci_instruction decode(const uint8_t *bytes, size_t count)
{
	return zpci_decode_bytes(bytes, count);
}

/* rpcit %r3,%r6 */
static void rre(void **state)
{
	static const uint8_t bytes[] = { 0xb9, 0xd3, 0x00, 0x36 };
	struct zpci_instruction insn = decode(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(insn.opcode, ZPCI_RPCIT);
	assert_int_equal(insn.r1, 3);
	assert_int_equal(insn.r2, 6);
	insn = zpci_decode_intercept(0xb9d3, 0x00360000);
	assert_int_equal(insn.opcode, ZPCI_RPCIT);
	assert_int_equal(insn.r1, 3);
	assert_int_equal(insn.r2, 6);
	/* The bytes after a 4-byte instruction are not part of it. */
	insn = zpci_decode_intercept(0xb9d3, 0xff9affff);
	assert_int_equal(insn.opcode, ZPCI_RPCIT);
	assert_int_equal(insn.r1, 9);
	assert_int_equal(insn.r2, 10);
}

/* mpcifc %r5,-8(%r1,%r15): the displacement is fff f8 -> DL2 = ff8, DH2 = ff */
static void rxy(void **state)
{
	static const uint8_t bytes[] = { 0xe3, 0x51, 0xff, 0xf8, 0xff, 0xd0 };
	struct zpci_instruction insn = decode(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(insn.opcode, ZPCI_MPCIFC);
	assert_int_equal(insn.r1, 5);
	assert_int_equal(insn.x2, 1);
	assert_int_equal(insn.b2, 15);
	assert_int_equal(insn.d2, -8);
	insn = zpci_decode_intercept(0xe351, 0xfff8ffd4);
	assert_int_equal(insn.opcode, ZPCI_STPCIFC);
	assert_int_equal(insn.d2, -8);
	assert_int_equal(zpci_decode_intercept(0xe300, 0x00007fd0).d2, 0x7f000);
	assert_int_equal(zpci_decode_intercept(0xe300, 0x0fff7fd0).d2, 0x7ffff);
	assert_int_equal(zpci_decode_intercept(0xe300, 0x000080d0).d2, -0x80000);
	assert_int_equal(zpci_decode_intercept(0xe300, 0x0fff00d0).d2, 0xfff);
	assert_int_equal(zpci_decode_intercept(0xe300, 0x000000d0).d2, 0);
}

static void not_ours(void **state)
{
	static const uint8_t pcilg[] = { 0xb9, 0xd2, 0x00, 0x36 };
	static const uint8_t mpcifc[] = { 0xe3, 0x51, 0xff, 0xf8, 0xff, 0xd0 };
	static const uint8_t rpcit[] = { 0xb9, 0xd3, 0x00, 0x36 };
	size_t count;

	(void)state;
	assert_int_equal(decode(pcilg, sizeof(pcilg)).opcode, ZPCI_NOT_OURS);
	assert_int_equal(zpci_decode_intercept(0xe300, 0x000000d1).opcode, ZPCI_NOT_OURS);
	assert_int_equal(zpci_decode_intercept(0xeb00, 0x000000d0).opcode, ZPCI_NOT_OURS);
	assert_int_equal(zpci_decode_intercept(0, 0).opcode, ZPCI_NOT_OURS);
	for (count = 0; count < sizeof(mpcifc); count++)
		assert_int_equal(decode(mpcifc, count).opcode, ZPCI_NOT_OURS);
	for (count = 0; count < sizeof(rpcit); count++)
		assert_int_equal(decode(rpcit, count).opcode, ZPCI_NOT_OURS);
}

static void addresses(void **state)
{
	struct zpci_instruction insn = { .opcode = ZPCI_MPCIFC, .x2 = 1, .b2 = 2, .d2 = -16 };
	const uint64_t mode64 = UINT64_C(0x180000000);
	const uint64_t mode31 = UINT64_C(0x080000000);

	(void)state;
	assert_int_equal(zpci_operand_address(&insn, 0x100, 0x2000, mode64), 0x20f0);
	/* The sum wraps at 2^64, 2^31 and 2^24. */
	assert_int_equal(zpci_operand_address(&insn, 0, 8, mode64), UINT64_MAX - 7);
	assert_int_equal(zpci_operand_address(&insn, UINT64_MAX, 0x21, mode64), 0x10);
	assert_int_equal(zpci_operand_address(&insn, 0, 8, mode31), 0x7ffffff8);
	assert_int_equal(zpci_operand_address(&insn, 0, 8, 0), 0xfffff8);
	/* Register 0 in the instruction means no register, whatever general register 0 contains. */
	insn.x2 = 0;
	assert_int_equal(zpci_operand_address(&insn, 0x100, 0x2000, mode64), 0x1ff0);
	insn.b2 = 0;
	insn.d2 = 0x123;
	assert_int_equal(zpci_operand_address(&insn, 0x100, 0x2000, mode64), 0x123);
}

static void register_fields(void **state)
{
	const uint64_t r1 = UINT64_C(0x8123456789abcdef);

	(void)state;
	assert_int_equal(zpci_r1_handle(r1), 0x81234567);
	assert_int_equal(zpci_r1_status(r1), 0x89);
	assert_int_equal(zpci_r1_dma_space(r1), 0xab);
	assert_int_equal(zpci_r1_operation(r1), 0xef);
	assert_int_equal(zpci_r1_with_status(r1, 0x10), UINT64_C(0x8123456710abcdef));
	assert_int_equal(zpci_r1_make(0x81234567, 0xab, 0xef), UINT64_C(0x8123456700ab00ef));
}

static void iota_and_bytes(void **state)
{
	uint8_t bytes[8];

	(void)state;
	assert_true(zpci_iota_translates(0x12345804));
	assert_false(zpci_iota_translates(UINT64_C(0xfffffffffffff7ff)));
	assert_int_equal(zpci_iota_designation(0x804), 1);
	assert_int_equal(zpci_iota_designation(0x81c), 7);
	zpci_store_be64(bytes, UINT64_C(0x0123456789abcdef));
	assert_int_equal(bytes[0], 0x01);
	assert_int_equal(bytes[7], 0xef);
	assert_int_equal(zpci_load_be64(bytes), UINT64_C(0x0123456789abcdef));
	zpci_store_be32(bytes, 0x89abcdef);
	assert_int_equal(bytes[0], 0x89);
	assert_int_equal(bytes[3], 0xef);
	assert_int_equal(bytes[4], 0x89);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rre),
		cmocka_unit_test(rxy),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(addresses),
		cmocka_unit_test(register_fields),
		cmocka_unit_test(iota_and_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
