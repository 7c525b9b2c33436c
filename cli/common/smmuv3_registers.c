// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The names of the SMMUv3 registers that a guest stores to (IHI 0070, section 6.1).
 */
#include "smmuv3_registers.h"

#include <stddef.h>

const char *smmuv3_register_name(uint64_t offset)
{
	static const struct {
		uint32_t offset;
		const char *name;
	} registers[] = {
		{ 0x20, "CR0" },
		{ 0x28, "CR1" },
		{ 0x2c, "CR2" },
		{ 0x44, "GBPA" },
		{ 0x50, "IRQ_CTRL" },
		{ 0x64, "GERRORN" },
		{ 0x68, "GERROR_IRQ_CFG0" },
		{ 0x70, "GERROR_IRQ_CFG1" },
		{ 0x74, "GERROR_IRQ_CFG2" },
		{ 0x80, "STRTAB_BASE" },
		{ 0x88, "STRTAB_BASE_CFG" },
		{ 0x90, "CMDQ_BASE" },
		{ 0x98, "CMDQ_PROD" },
		{ 0x9c, "CMDQ_CONS" },
		{ 0xa0, "EVENTQ_BASE" },
		{ 0xb0, "EVENTQ_IRQ_CFG0" },
		{ 0xb8, "EVENTQ_IRQ_CFG1" },
		{ 0xbc, "EVENTQ_IRQ_CFG2" },
		{ 0x100a8, "EVENTQ_PROD" },
		{ 0x100ac, "EVENTQ_CONS" },
	};

	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		if (registers[i].offset == offset)
			return registers[i].name;
	}
	return NULL;
}
