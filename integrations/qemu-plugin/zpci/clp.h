/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CLP, "call logical processor" (B9A0): register R2 holds the address of a block with a request and, behind it, room for the response. Both begin with
 * a header of 16 bytes: length (2 bytes), command or response code (2 bytes). As Linux has it: arch/s390/include/asm/clp.h and pci_clp.h.
 */
#ifndef VIOMMU_WATCH_CLP_H
#define VIOMMU_WATCH_CLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLP_BLOCK_BYTES	 4096u
#define CLP_HEADER_BYTES 16u

/* Commands. */
#define CLP_QUERY_FUNCTION 0x0003u
#define CLP_QUERY_GROUP	   0x0004u
#define CLP_SET_FUNCTION   0x0005u

/* The response code that says success. */
#define CLP_RESPONSE_OK 0x0010u

/* Set PCI Function: handle and operation control in the request, the new handle in the response. */
#define CLP_SET_FH	   16u
#define CLP_SET_OC	   22u
#define CLP_SET_BYTES	   24u
#define CLP_SET_NEW_FH	   16u
#define CLP_SET_NEW_BYTES  20u
#define CLP_SET_OC_ENABLE  0u
#define CLP_SET_OC_DISABLE 1u

/* A big-endian field of up to four bytes. */
static inline uint32_t clp_load(const uint8_t *field, unsigned int bytes)
{
	uint32_t value = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		value = value << 8 | field[i];
	return value;
}

struct clp_block {
	unsigned int command;
	const uint8_t *request;
	size_t request_bytes;
	unsigned int code;
	const uint8_t *response;
	size_t response_bytes;
};

/* Takes a block apart. false if the lengths in it do not fit. */
static inline bool clp_parse(const uint8_t *bytes, size_t count, struct clp_block *block)
{
	if (count < CLP_HEADER_BYTES)
		return false;
	block->request = bytes;
	block->request_bytes = clp_load(bytes, 2);
	block->command = clp_load(bytes + 2, 2);
	if (block->request_bytes < CLP_HEADER_BYTES || block->request_bytes > count - CLP_HEADER_BYTES)
		return false;
	block->response = bytes + block->request_bytes;
	block->response_bytes = clp_load(block->response, 2);
	block->code = clp_load(block->response + 2, 2);
	return block->response_bytes >= CLP_HEADER_BYTES && block->response_bytes <= count - block->request_bytes;
}

#endif
