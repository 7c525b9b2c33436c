/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The zPCI instructions and their operands: RPCIT, MPCIFC and STPCIFC, decoded from the bytes in
 * memory or from what KVM delivers with an intercept; the fields of the general register that R1
 * names; the bits of an IOTA that the function needs; the offsets of the FIB.
 *
 * This header stands alone: an observer of a guest can use it without the library. Nothing here
 * loads from guest memory, and every function gives a defined result for every argument.
 *
 * Bits are counted as in the Principles of Operation: bit 0 is the most significant one of a
 * doubleword.
 */
#ifndef VIOMMU_GUEST_ZPCI_DECODE_H
#define VIOMMU_GUEST_ZPCI_DECODE_H

#include <port_types.h>
#include <viommu/zpci.h>

enum zpci_opcode {
	ZPCI_NOT_OURS = 0,
	ZPCI_RPCIT,   /* RRE b9d3: R1, R2 (an even-odd pair: first IOVA, length) */
	ZPCI_MPCIFC,  /* RXY e3..d0: R1, D2(X2,B2) = FIB */
	ZPCI_STPCIFC, /* RXY e3..d4: R1, D2(X2,B2) = FIB */
};

struct zpci_instruction {
	enum zpci_opcode opcode;
	unsigned int r1;
	unsigned int r2; /* RRE */
	unsigned int x2; /* RXY: 0 = no index */
	unsigned int b2; /* RXY: 0 = no base; also the access register */
	int32_t d2;	 /* RXY: 20 bits, signed */
};

/*
 * From kvm_run.s390_sieic: ipa are the first two bytes of the instruction, ipb the four that
 * follow.
 */
static inline struct zpci_instruction zpci_decode_intercept(uint16_t ipa, uint32_t ipb)
{
	struct zpci_instruction insn = { .opcode = ZPCI_NOT_OURS };

	if (ipa == 0xb9d3) {
		insn.opcode = ZPCI_RPCIT;
		insn.r1 = ipb >> 20 & 0xf;
		insn.r2 = ipb >> 16 & 0xf;
	} else if (ipa >> 8 == 0xe3 && ((ipb & 0xff) == 0xd0 || (ipb & 0xff) == 0xd4)) {
		insn.opcode = (ipb & 0xff) == 0xd0 ? ZPCI_MPCIFC : ZPCI_STPCIFC;
		insn.r1 = ipa >> 4 & 0xf;
		insn.x2 = ipa & 0xf;
		insn.b2 = ipb >> 28;
		/*
		 * DL2 is the low 12 bits of the displacement, DH2 the high 8; DH2 carries the sign.
		 */
		insn.d2 = (int32_t)(ipb >> 16 & 0xfff) + (int32_t)(int8_t)(ipb >> 8 & 0xff) * 4096;
	}
	return insn;
}

/* From the instruction's bytes, which may be cut off. */
static inline struct zpci_instruction zpci_decode_bytes(const uint8_t *bytes, size_t count)
{
	uint8_t b[6] = { 0 };
	size_t i;

	for (i = 0; i < sizeof(b) && i < count; i++)
		b[i] = bytes[i];
	/*
	 * The first two bits of an instruction are its length. One that is cut off is not decoded.
	 */
	if (count < (b[0] >= 0xc0 ? 6 : 4))
		return zpci_decode_intercept(0, 0);
	return zpci_decode_intercept((uint16_t)(b[0] << 8 | b[1]), (uint32_t)b[2] << 24 | (uint32_t)b[3] << 16 | (uint32_t)b[4] << 8 | b[5]);
}

#define ZPCI_PSW_PROBLEM_STATE UINT64_C(0x0001000000000000) /* bit 15 */
#define ZPCI_PSW_EXTENDED_MODE UINT64_C(0x0000000100000000) /* bit 31 */
#define ZPCI_PSW_BASIC_MODE    UINT64_C(0x0000000080000000) /* bit 32 */

/*
 * The address that an RXY instruction's D2(X2,B2) names. index and base are the contents of the
 * general registers X2 and B2; a field of 0 means no register. The sum wraps in the addressing mode
 * of the PSW: 24, 31 or 64 bits.
 */
static inline uint64_t zpci_operand_address(const struct zpci_instruction *insn, uint64_t index, uint64_t base, uint64_t psw_mask)
{
	uint64_t address = (insn->x2 ? index : 0) + (insn->b2 ? base : 0) + (uint64_t)(int64_t)insn->d2;

	if (psw_mask & ZPCI_PSW_EXTENDED_MODE)
		return address;
	return address & (psw_mask & ZPCI_PSW_BASIC_MODE ? UINT64_C(0x7fffffff) : UINT64_C(0xffffff));
}

/* General register R1 (<viommu/zpci.h>). */
static inline uint32_t zpci_r1_handle(uint64_t r1)
{
	return VIOMMU_ZPCI_R1_FH(r1);
}

static inline uint8_t zpci_r1_status(uint64_t r1)
{
	return VIOMMU_ZPCI_R1_STATUS(r1);
}

static inline uint8_t zpci_r1_dma_space(uint64_t r1)
{
	return VIOMMU_ZPCI_R1_DMA_SPACE(r1);
}

static inline uint8_t zpci_r1_operation(uint64_t r1)
{
	return VIOMMU_ZPCI_R1_OPERATION(r1);
}

static inline uint64_t zpci_r1_make(uint32_t handle, uint8_t dma_space, uint8_t operation)
{
	return VIOMMU_ZPCI_R1(handle, dma_space, operation);
}

static inline uint64_t zpci_r1_with_status(uint64_t r1, uint8_t status)
{
	return (r1 & ~UINT64_C(0xff000000)) | (uint64_t)status << 24;
}

/*
 * Operation controls of MPCIFC that do not concern translation; the others are in <viommu/zpci.h>.
 */
static inline bool zpci_operation_is_foreign(uint8_t operation)
{
	switch (operation) {
	case 2:	 /* register adapter interruptions */
	case 3:	 /* deregister adapter interruptions */
	case 10: /* set measurement parameters */
	case 16: /* register directed interruptions */
	case 17: /* deregister directed interruptions */
		return true;
	default:
		return false;
	}
}

/*
 * IOTA: T (bit 52) is 1 if there are tables; DT (bits 59-61) is the type of the first one: 0 a
 * segment table, 1-3 a region table.
 */
#define ZPCI_DESIGNATION_REGION_THIRD VIOMMU_ZPCI_TYPE_REGION_THIRD

static inline bool zpci_iota_translates(uint64_t iota)
{
	return iota & VIOMMU_ZPCI_IOTA_T;
}

static inline unsigned int zpci_iota_designation(uint64_t iota)
{
	return iota >> 2 & 0x7;
}

/* Offsets in the function information block, and the big-endian fields found there. */
#define ZPCI_FIB_FMT  0x00u
#define ZPCI_FIB_FC   0x08u
#define ZPCI_FIB_PBA  0x10u
#define ZPCI_FIB_PAL  0x18u
#define ZPCI_FIB_IOTA 0x20u

static inline uint64_t zpci_load_be64(const uint8_t *bytes)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

static inline void zpci_store_be64(uint8_t *bytes, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

static inline void zpci_store_be32(uint8_t *bytes, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

#endif
