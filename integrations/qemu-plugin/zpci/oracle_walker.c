/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking QEMU's own walker, the function that its RPCIT uses (QEMU, hw/s390x/s390-pci-inst.c). It is no part of any interface, but QEMU's executable
 * exports its functions for the sake of modules, and so it can be called by name. It takes no lock but RCU's, which it takes itself.
 *
 * It answers for one IOVA: a leaf, or that there is none and how much its invalid entry covers, or an error. The whole range is covered by asking for
 * the first IOVA, then for the one behind what the answer covered, and so on. The answer covers the entry's aligned span around the IOVA, not as much
 * from the IOVA on. An error says nothing about its extent and counts for one page. Errors and invalid entries alike mean that a page does not
 * translate.
 */
#include "oracle_walker.h"

#include <dlfcn.h>
#include <errno.h>

/* QEMU's S390IOTLBEntry. perm: 0 none, 1 read, 3 read and write. */
struct walker_entry {
	uint64_t iova;
	uint64_t translated_addr;
	uint64_t len;
	uint64_t perm;
};

#define PERM_READ  UINT64_C(1)
#define PERM_WRITE UINT64_C(2)

/* The only designation that QEMU walks: T = 1, DT = region-third table, nothing else but the origin. */
#define IOTA_ORIGIN	  (~UINT64_C(0xfff))
#define IOTA_REGION_THIRD UINT64_C(0x804)

/* Questions to one operation: tables that are full of errors would take one for each page of the aperture. */
#define QUESTIONS_MAX (UINT64_C(1) << 22)

bool walker_find(struct walker *walker)
{
	*(void **)&walker->walk = dlsym(RTLD_DEFAULT, "s390_guest_io_table_walk");
	return walker->walk;
}

int walker_ask(const struct walker *walker, uint64_t iota, uint64_t first, uint64_t last, struct answers *answers)
{
	uint64_t iova = first & ~(CAPTURE_PAGE_SIZE - 1), questions = 0;

	last |= CAPTURE_PAGE_SIZE - 1;
	answers->known = false;
	answers->count = 0;
	if (!walker->walk)
		return -ENOSYS;
	if ((iota & ~IOTA_ORIGIN) != IOTA_REGION_THIRD)
		return -EOPNOTSUPP;
	answers->first = iova;
	answers->last = last;
	for (;;) {
		struct walker_entry entry = { .len = CAPTURE_PAGE_SIZE };
		uint16_t error = walker->walk(iota, iova, &entry);
		uint64_t span = CAPTURE_PAGE_SIZE - 1, end;

		if (++questions > QUESTIONS_MAX)
			return -E2BIG;
		/* A span that is no power of two is none that this function knows how to use. */
		if (!error && entry.len > CAPTURE_PAGE_SIZE && !(entry.len & (entry.len - 1)))
			span = entry.len - 1;
		end = (iova | span) < last ? iova | span : last;
		if (!error && entry.perm & PERM_READ) {
			uint32_t prot = entry.perm & PERM_WRITE ? CAPTURE_RW : CAPTURE_R;
			int ret = answers_add(answers, iova, entry.translated_addr + (iova & span), prot, (end - iova) / CAPTURE_PAGE_SIZE + 1);

			if (ret)
				return ret;
		}
		if (end == last)
			break;
		iova = end + 1;
	}
	answers->known = true;
	return 0;
}
