/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM with nested domains, and the world of a guest that attacks it. What an input does to it is done here, and after each operation everything is compared:
 *
 *  - the pages that a domain reports are in guest memory, and what is charged is what they are, each page once;
 *  - the host reaches those pages and no other, in the right memory and with the right rights; nothing removed is left unflushed;
 *  - what a refresh that succeeded covered is what the reference reads in the tables; what one covered that failed is that, or absent; the rest is as before;
 *  - failures are those that there is a reason for.
 *
 * Hosts: the mock host of tests/core, which removes only whole mappings, or splits, or holds few; and soft.
 */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include "mock_host.h"
#include "model.h"
#include "world.h"

#define SUBJECTS 3
#define DEVICES	 2

/* A domain, with a device of its own through which one sees what it translates. */
struct subject {
	struct viommu_domain *domain;
	struct naive_tables tables;
	struct mock_space *space; /* NULL: soft */
	struct viommu_device *device;
	struct viommu_reader *reader;
	struct model_list pages; /* that it reported after the operation before */
	bool lossy;		 /* the host failed to remove something: it may have lost what is reported */
};

struct machine {
	struct world *world;
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct mock_host *mock; /* NULL: the host is soft */
	struct viommu_vm_config config;
	bool qemu;
	bool few; /* the mock host holds few mappings */
	struct subject subject[SUBJECTS];
	struct viommu_domain *direct;
	struct viommu_device *device[DEVICES];
	struct viommu_reader *reader[DEVICES];
	int at[DEVICES]; /* a subject, -1: nothing, -2: the direct domain */
	bool failing;	 /* something is to fail in this operation, or did since all was well */
};

/* The first bytes of an input say what kind of machine it is. */
void machine_begin(struct machine *machine, struct input *input);

/* Carries out one operation and looks at everything. */
void machine_operate(struct machine *machine, struct input *input);

/* Nothing fails any more: what is left must be made true by refreshes, and then go without a trace. */
void machine_end(struct machine *machine);

/* machine_check.c */
void machine_look(struct machine *machine, struct subject *subject, struct model_list *pages);
void machine_check(struct machine *machine);

/* What a refresh of first..last (whole pages, inside the aperture) has made of what there was before. */
void machine_check_refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, int error,
			   const struct viommu_refresh_result *result);
void machine_check_walk(struct machine *machine, const struct subject *subject, uint64_t iova);
void machine_check_translate(struct machine *machine, unsigned int device, uint64_t iova, uint64_t bytes, uint32_t access);

#endif
