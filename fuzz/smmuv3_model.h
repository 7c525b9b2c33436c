/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A minimal SMMUv3 with stage 1, independent of the library: "Arm System Memory Management Unit
 * Architecture Specification, SMMU architecture version 3" (IHI 0070), with the choices in
 * docs/smmuv3.md. Its only cache is the configuration of streams that commands have made it read.
 * It walks tables at each access, with naive_arm64.h.
 *
 * A TLB may keep the result of a walk until an invalidation names it. So for each context the model
 * keeps pages that were seen in use, and the levels of the tables at which their leaf was at some
 * moment since. A page is stale when invalidations have hit all of these, and it is not in the
 * tables now.
 *
 * For a stream whose tables hardware walks it reads only the entry. The rig models the hardware's
 * caches (smmuv3_hardware.c), and is notified of invalidations.
 */
#ifndef FUZZ_SMMUV3_MODEL_H
#define FUZZ_SMMUV3_MODEL_H

#include <stddef.h>

#include "naive_arm64.h"

#define STREAMS	   4u
#define CONTEXTS   (2 * STREAMS) /* before and after one store */
#define MOST_PAGES 3000u	 /* of a context; an input that maps more is at its end */

enum model_kind { MODEL_ABORT, MODEL_BYPASS, MODEL_STAGE1, MODEL_FAULTY };

struct model_stream {
	bool plugged;
	bool hardware;
	uint32_t sid;
	enum model_kind kind;
	unsigned int event; /* FAULTY */
	uint64_t fetch;	    /* FAULTY: address that could not be read */
	bool late;	    /* FAULTY: the place of the tables is illegal, which is detected last */
	uint64_t cd_at;	    /* STAGE1, as are these */
	uint64_t cd[8];
	uint64_t ste[2]; /* for hardware, instead of cd: the entry that it gets */
	bool read_anew;	 /* since the last call */
};

#define GLOBAL 0x10u
struct model_kept {
	uint64_t iova, gpa;
	bool writable;
	uint8_t levels; /* bit n: Arm's level n; GLOBAL << n: in an entry for all ASIDs */
};

/* Shared by streams with the same descriptor. */
struct model_context {
	bool used;
	uint64_t cd[8];
	unsigned int pages; /* kept, ascending */
	struct model_kept kept[MOST_PAGES];
};

struct model_smmu {
	const struct naive_memory *memory;
	unsigned int sid_bits, oas; /* oas as encoded in IDR5 */
	bool reset_abort;
	bool hardware;	  /* it is made for: TERM_MODEL 1 */
	bool stalls;	  /* and hardware could stall */
	bool short_asids; /* and it has ASIDs of 8 bits (IDR0.ASID16) */
	bool older;	  /* and it has BBML 0: the SMMU is no SMMUv3.2 (section 3.21.1.1) */
	unsigned int hardware_oas;
	void (*invalidated)(void *ctx, const uint64_t command[2], bool by_address);
	void *ctx;

	uint32_t cr0, cr1, cr2, gbpa, irq_ctrl, gerror, gerrorn, strtab_cfg;
	uint64_t strtab_base, cmdq_base, eventq_base;
	uint32_t cmdq_prod, cmdq_cons, eventq_prod, eventq_cons;

	unsigned int irqs; /* bit n: interrupt n of enum viommu_smmuv3_irq, in this call */
	uint64_t commands, syncs, configs, invalidations, errors, events, events_lost;

	struct model_stream stream[STREAMS];
	struct model_context context[CONTEXTS];
};

void model_reset(struct model_smmu *smmu);
void model_plug(struct model_smmu *smmu, unsigned int n);

/* A store of a vCPU, of 4 bytes; and a register's value. */
void model_write(struct model_smmu *smmu, uint32_t offset, uint32_t value);
uint32_t model_read(const struct model_smmu *smmu, uint32_t offset);

/*
 * Whether an invalidation by address names any address of the leaf in which an IOVA was found.
 * Granules are in KiB, levels are Arm's.
 */
bool model_names(const uint64_t command[2], unsigned int granule, unsigned int level, uint64_t iova);

/* The address of a stream's entry; false: there is none, and stream has the reason. */
bool model_find_entry(const struct model_smmu *smmu, struct model_stream *stream, uint64_t *at);
bool model_load(const struct model_smmu *smmu, uint64_t gpa, uint64_t *words, unsigned int number);

/* The context of a stream at stage 1. */
struct model_context *model_context_of(struct model_smmu *smmu, const struct model_stream *stream);

/* The present translation of an IOVA by a context's tables. */
struct arm64_answer model_walk(const struct model_smmu *smmu, const struct model_context *context, uint64_t iova);

/*
 * The same for a descriptor that hardware has read, and the event if there is no translation: 0 if
 * there is one.
 */
unsigned int model_hardware_walk(const struct model_smmu *smmu, const uint64_t cd[8], uint64_t iova, struct arm64_answer *answer, unsigned int *granule);

/* Entries of all its tables, or more than most. */
uint64_t model_entries(const struct model_smmu *smmu, const struct model_context *context, uint64_t most);

/* An access without any cache. */
enum model_end { MODEL_REACHES, MODEL_READS_ZEROS, MODEL_ENDS_IN_ERROR };
struct model_access {
	enum model_end end;
	uint64_t gpa; /* REACHES */
	bool event;
	uint64_t record[4];
};
struct model_access model_access(const struct model_smmu *smmu, const struct model_stream *stream, uint64_t iova, bool reads, bool writes);

/*
 * Whether a descriptor is legal for this SMMU, and for hardware like it, apart from the places of
 * its tables.
 */
bool model_is_legal(const struct model_smmu *smmu, uint64_t cd0);

/* Records an event of the hardware, after a report of lost ones, like model_record(). */
bool model_record_hardware(struct model_smmu *smmu, const uint64_t record[4], bool lost, uint64_t *at);

/* Records an event: true, and the address of the record, or it is lost. */
bool model_record(struct model_smmu *smmu, uint64_t *at);

#endif
