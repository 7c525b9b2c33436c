/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/queue.h"

void guest_commands_consume(const struct guest_commands *commands, void *iommu, struct guest_memory *memory, struct port_lock *lock)
{
	uint64_t command[GUEST_COMMAND_WORDS];
	unsigned int error = 0;
	uint64_t gpa;
	bool more;

	port_lock(lock);
	more = commands->next(iommu, &gpa);
	port_unlock(lock);
	while (more) {
		error = guest_memory_load(memory, gpa, command, commands->words) ? commands->execute(iommu, command) : commands->unreadable;
		port_lock(lock);
		commands->done(iommu, error);
		more = !error && commands->next(iommu, &gpa);
		port_unlock(lock);
	}
}
