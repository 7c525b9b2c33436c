/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Access to a vCPU through the plugin interface.
 */
#include "zpci/vcpu.h"

#include <stdio.h>
#include <string.h>

#include "guest/zpci/decode.h"

bool vcpu_init(struct vcpu *vcpu)
{
	struct plugin_array *names = qemu_plugin_get_registers();
	unsigned int i, n;

	vcpu->buffer = g_byte_array_new();
	for (i = 0; i < names->len; i++) {
		const struct plugin_register_name *name = (const struct plugin_register_name *)(const void *)names->data + i;
		char gr[4];

		if (!strcmp(name->name, "pswm"))
			vcpu->psw_mask = name->handle;
		for (n = 0; n < 16; n++) {
			snprintf(gr, sizeof(gr), "r%u", n);
			if (!strcmp(name->name, gr))
				vcpu->gr[n] = name->handle;
		}
	}
	g_array_free(names, 1);
	for (n = 0; n < 16; n++) {
		if (!vcpu->gr[n])
			return false;
	}
	return vcpu->psw_mask;
}

static uint64_t read_register(struct vcpu *vcpu, struct qemu_plugin_register *handle)
{
	/* QEMU appends to the array. */
	g_byte_array_set_size(vcpu->buffer, 0);
	if (qemu_plugin_read_register(handle, vcpu->buffer) != 8)
		return 0;
	return zpci_load_be64(vcpu->buffer->data);
}

uint64_t vcpu_gr(struct vcpu *vcpu, unsigned int n)
{
	return read_register(vcpu, vcpu->gr[n]);
}

uint64_t vcpu_psw_mask(struct vcpu *vcpu)
{
	return read_register(vcpu, vcpu->psw_mask);
}

const uint8_t *vcpu_memory(struct vcpu *vcpu, uint64_t address, size_t bytes)
{
	return qemu_plugin_read_memory_vaddr(address, vcpu->buffer, bytes) ? vcpu->buffer->data : NULL;
}
