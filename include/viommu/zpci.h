/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest IOMMU of s390: PCI functions behind zPCI, as a guest sees them through its
 * instructions.
 *
 * The VMM hands in each intercepted instruction, decoded (viommu_zpci_rpcit() and its like) or as
 * KVM delivers it (viommu_zpci_intercept()), and gets back what the guest must see: a condition
 * code, a status, or a program exception. Everything else happens inside: tables are walked, pages
 * pinned, the shadow made true, function states changed, error events reported.
 *
 * There is no public specification of zPCI translation. Names and codes are those of Linux
 * (arch/s390/include/asm/pci_insn.h, pci_dma.h, pci_clp.h) and of QEMU (hw/s390x/s390-pci-inst.c,
 * s390-pci-bus.c); the table formats are those of z/Architecture Principles of Operation, "Dynamic
 * Address Translation". Bits are counted as there: bit 0 is the most significant.
 *
 * Threads: any function may be called from any thread, except that the last call for an object must
 * be the last. Callbacks are called without locks. Between viommu_reader_enter() and
 * viommu_reader_leave() these may be called, and no others: viommu_zpci_find(),
 * viommu_zpci_function_info() and viommu_zpci_function_device().
 */
#ifndef VIOMMU_ZPCI_H
#define VIOMMU_ZPCI_H

#include <viommu/types.h>
#include <viommu/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An I/O address translation registration of an s390 function, as MPCIFC carries it in the FIB:
 * IOTA (translation anchor), PBA and PAL (first and last IOVA; the low 12 bits of PBA are taken as
 * zeros, those of PAL as ones). The IOTA's T bit must be one: a function without translation uses a
 * direct domain.
 */
struct viommu_zpci_ioat {
	uint32_t size;	/* sizeof(struct viommu_zpci_ioat) */
	uint32_t flags; /* VIOMMU_ZPCI_IOAT_* */
	uint64_t iota;
	uint64_t pba;
	uint64_t pal;
};
#define VIOMMU_ZPCI_IOAT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_ioat, pal)

/* Judge entries as QEMU's walker does: docs/formats.md lists the differences. */
#define VIOMMU_ZPCI_IOAT_QEMU 0x1u

struct viommu_zpci;	     /* all functions of one VM */
struct viommu_zpci_function; /* one of them */

/* States of a function (QEMU, enum ZpciState). */
enum viommu_zpci_state {
	VIOMMU_ZPCI_RESERVED = 0,
	VIOMMU_ZPCI_STANDBY,
	VIOMMU_ZPCI_DISABLED,
	VIOMMU_ZPCI_ENABLED,
	VIOMMU_ZPCI_BLOCKED,
	VIOMMU_ZPCI_ERROR,
	VIOMMU_ZPCI_PERMANENT_ERROR,
};

/* The state in words, for people: a constant string. Numbers that are no state have one, too. */
VIOMMU_API const char *viommu_zpci_state_name(uint32_t state);

/*
 * The parts of a function handle. A handle names one enabling of one function: it changes when the
 * function is disabled and enabled again.
 */
#define VIOMMU_ZPCI_FH_ENABLED	0x80000000u
#define VIOMMU_ZPCI_FH_INSTANCE 0x7f000000u
#define VIOMMU_ZPCI_FH_SHM	0x00ff0000u
#define VIOMMU_ZPCI_FH_INDEX	0x0000ffffu

/*
 * The general register that R1 names: function handle in bits 0-31, status in 32-39, DMA address
 * space in 40-47, operation control in 56-63.
 */
#define VIOMMU_ZPCI_R1(fh, dma_space, operation) ((uint64_t)(fh) << 32 | (uint64_t)(dma_space) << 16 | (operation))
#define VIOMMU_ZPCI_R1_FH(r1)			 ((uint32_t)((r1) >> 32))
#define VIOMMU_ZPCI_R1_STATUS(r1)		 ((uint8_t)((r1) >> 24))
#define VIOMMU_ZPCI_R1_DMA_SPACE(r1)		 ((uint8_t)((r1) >> 16))
#define VIOMMU_ZPCI_R1_OPERATION(r1)		 ((uint8_t)(r1))

/*
 * I/O translation tables. An IOTA has the origin of the first table, T, and the designation type
 * DT: the type of that table. Entries of region and segment tables have the type TT of the table
 * that they stand in; region-table entries have the offset TF and the length TL of the table that
 * they name, in quarters of 512 entries.
 */
#define VIOMMU_ZPCI_IOTA_T	       UINT64_C(0x800) /* 0: there are no tables */
#define VIOMMU_ZPCI_IOTA_DT(type)      ((uint64_t)(type) << 2)
#define VIOMMU_ZPCI_ENTRY_TT(type)     ((uint64_t)(type) << 2)
#define VIOMMU_ZPCI_TYPE_SEGMENT       0u
#define VIOMMU_ZPCI_TYPE_REGION_THIRD  1u
#define VIOMMU_ZPCI_TYPE_REGION_SECOND 2u
#define VIOMMU_ZPCI_TYPE_REGION_FIRST  3u
/* Quarters that are missing at the beginning */
#define VIOMMU_ZPCI_ENTRY_TF(first) ((uint64_t)(first) << 6)
/* The last quarter that is there: 3 for a full table */
#define VIOMMU_ZPCI_ENTRY_TL(last) ((uint64_t)(last))
#define VIOMMU_ZPCI_ENTRY_INVALID  UINT64_C(0x020)
/* No stores at and below this entry; of a page, too */
#define VIOMMU_ZPCI_ENTRY_PROTECTED UINT64_C(0x200)
#define VIOMMU_ZPCI_PAGE_INVALID    UINT64_C(0x400)

/* Status codes, with condition code 1 (Linux, pci_insn.h; QEMU, s390-pci-inst.h). */
#define VIOMMU_ZPCI_ST_RES_NOT_AVAIL 4u
#define VIOMMU_ZPCI_ST_FUNC_IN_ERR   8u
#define VIOMMU_ZPCI_ST_INSUF_RES     16u
#define VIOMMU_ZPCI_ST_SEQUENCE	     24u
#define VIOMMU_ZPCI_ST_DMAAS_INVAL   28u
#define VIOMMU_ZPCI_ST_ERROR_RECOVER 40u

/* Error event codes, PEC (QEMU, ERR_EVENT_*). */
#define VIOMMU_ZPCI_PEC_INVALAS 0x01u /* refresh without a registration */
#define VIOMMU_ZPCI_PEC_OORANGE 0x02u /* outside PBA..PAL */
#define VIOMMU_ZPCI_PEC_INVALTF 0x03u /* translation format */
#define VIOMMU_ZPCI_PEC_TPROTE	0x04u /* protection, and DMA to what is not mapped */
#define VIOMMU_ZPCI_PEC_INVALTE 0x07u /* table entry: unreadable */
#define VIOMMU_ZPCI_PEC_INVALTL 0x08u /* table offset or length excludes the index */
#define VIOMMU_ZPCI_PEC_TT	0x09u /* table type */
#define VIOMMU_ZPCI_PEC_SERR	0x0bu /* the host failed */

/* Operation controls of MPCIFC that are handled here. */
#define VIOMMU_ZPCI_OC_REG_IOAT	   4u
#define VIOMMU_ZPCI_OC_DEREG_IOAT  5u
#define VIOMMU_ZPCI_OC_REREG_IOAT  6u
#define VIOMMU_ZPCI_OC_RESET_ERROR 7u
#define VIOMMU_ZPCI_OC_RESET_BLOCK 9u

/* Program exceptions (Principles of Operation, "Program-Interruption Conditions"). */
#define VIOMMU_ZPCI_PGM_PRIVILEGED    0x0002u
#define VIOMMU_ZPCI_PGM_ADDRESSING    0x0005u
#define VIOMMU_ZPCI_PGM_SPECIFICATION 0x0006u
#define VIOMMU_ZPCI_PGM_OPERAND	      0x0015u

/*
 * Architecture is the default; each of these asks for QEMU's way in one matter (docs/zpci.md lists
 * what each changes).
 */
#define VIOMMU_ZPCI_QEMU_WAYS 0x1u

/* An error event, for the guest's error notification (CCDF, content code 1). */
struct viommu_zpci_event {
	uint32_t size; /* sizeof(struct viommu_zpci_event) */
	uint32_t fh;
	uint32_t fid;
	uint32_t pec;	   /* VIOMMU_ZPCI_PEC_* */
	uint64_t faddr;	   /* the IOVA concerned, page-aligned, or 0 */
	uint32_t access;   /* VIOMMU_READ or VIOMMU_WRITE, 0 if no access was involved */
	uint32_t reserved; /* 0 */
	/* details of the event; reason VIOMMU_FAULT_NONE if there are none */
	struct viommu_fault fault;
	void *ctx; /* the function's */
};
#define VIOMMU_ZPCI_EVENT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_event, fault)

struct viommu_zpci_config {
	uint32_t size;	/* sizeof(struct viommu_zpci_config) */
	uint32_t flags; /* VIOMMU_ZPCI_QEMU_WAYS */
	/* Called for each error event. May be NULL. */
	void (*event)(void *ctx, const struct viommu_zpci_event *event);
	void *ctx;
};
#define VIOMMU_ZPCI_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_config, ctx)
#define VIOMMU_ZPCI_CONFIG_INIT                                  \
	{                                                        \
		sizeof(struct viommu_zpci_config), 0, NULL, NULL \
	}

/*
 * A function, with the values that CLP reports to the guest. 0 takes the default in parentheses.
 */
struct viommu_zpci_function_config {
	uint32_t size; /* sizeof(struct viommu_zpci_function_config) */
	uint32_t fid;
	/* Index, and SHM part if any; instance and enable bit if the function starts enabled */
	uint32_t fh;
	/* enum viommu_zpci_state to start in: RESERVED (0), STANDBY, DISABLED or ENABLED */
	uint32_t state;
	uint64_t sdma; /* first IOVA that may be registered (0x100000000) */
	uint64_t edma; /* last one (0x1ffffffffffffff) */
	uint64_t msia; /* where MSI stores go: never translated (0xfe00000000000000) */
	/*
	 * Designation types supported, of the CLP group response (0xf8; 0x40 with
	 * VIOMMU_ZPCI_QEMU_WAYS). No other can be registered.
	 */
	uint8_t dtsm;
	uint8_t pft; /* PCI function type; 5 = ISM, for which PAL = EDMA + 4096 is accepted */
	/* The group's refresh bit is off: the guest need not refresh what becomes valid */
	bool no_refresh;
	/* The group's rtr bit: an IOTA without T is accepted, and makes a direct domain */
	bool relaxed;
	uint8_t pfgid;
	uint8_t reserved[3];	  /* 0 */
	struct viommu_host *host; /* where its translations land */
	const void *device;	  /* which device it is there: viommu_device_create()'s data */
	void *ctx;		  /* the caller's: viommu_zpci_function_ctx() */
};
#define VIOMMU_ZPCI_FUNCTION_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_function_config, device)
/* All defaults. fid, fh and host are for the caller to set. */
#define VIOMMU_ZPCI_FUNCTION_CONFIG_INIT                                                                                           \
	{                                                                                                                          \
		sizeof(struct viommu_zpci_function_config), 0, 0, 0, 0, 0, 0, 0, 0, false, false, 0, { 0, 0, 0 }, NULL, NULL, NULL \
	}

/* 0, -EINVAL or -ENOMEM. The caller owns the zpci and destroys it before its VM. */
VIOMMU_API int viommu_zpci_create(struct viommu_vm *vm, const struct viommu_zpci_config *config, struct viommu_zpci **out);

/* Destroys it with its functions, their devices and their domains. Never fails. NULL is allowed. */
VIOMMU_API void viommu_zpci_destroy(struct viommu_zpci *zpci);

/*
 * Adds a function (plugs it). 0; -EINVAL; -EEXIST (a function with that index or that fid exists);
 * -ENOMEM. It belongs to zpci.
 */
VIOMMU_API int viommu_zpci_function_add(struct viommu_zpci *zpci, const struct viommu_zpci_function_config *config, struct viommu_zpci_function **out);

/*
 * Removes it (unplugs it): its domain, its pins, its device. The caller sees to it that no other
 * call for it is under way.
 */
VIOMMU_API void viommu_zpci_function_remove(struct viommu_zpci_function *function);

/* Its device, for viommu_reader_create(). It stays the function's. */
VIOMMU_API struct viommu_device *viommu_zpci_function_device(struct viommu_zpci_function *function);

/* The ctx of its config. */
VIOMMU_API void *viommu_zpci_function_ctx(const struct viommu_zpci_function *function);

/*
 * The domain of its registration, for viommu_domain_walk() and the other functions that only look;
 * NULL where there is none. It stays the function's: no device is attached to it, and it is not
 * destroyed. It is good until the next call for the function that may change what is registered:
 * instructions, enabling, disabling, configuring, faults, removal. The caller keeps these away
 * meanwhile.
 */
VIOMMU_API struct viommu_domain *viommu_zpci_function_domain(struct viommu_zpci_function *function);

/* The state of a function. */
struct viommu_zpci_function_info {
	uint32_t size; /* sizeof(struct viommu_zpci_function_info) */
	uint32_t fh;
	uint32_t fid;
	uint32_t state;	     /* enum viommu_zpci_state */
	bool registered;     /* an IOAT is registered */
	bool direct;	     /* it is one without translation */
	uint8_t reserved[6]; /* 0 */
	uint64_t pba, pal, iota;
};
#define VIOMMU_ZPCI_FUNCTION_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_function_info, iota)
/* Fills in info, whose size member the caller has set. 0 or -EINVAL (info is of no known size). */
VIOMMU_API int viommu_zpci_function_info(struct viommu_zpci_function *function, struct viommu_zpci_function_info *info);

/*
 * The function's domain statistics and its established runs, as viommu_domain_stats() and
 * viommu_domain_each_run() give them; nothing where no IOAT is registered. In direct operation
 * statistics are zero, and runs are the direct ones.
 */
VIOMMU_API int viommu_zpci_function_stats(struct viommu_zpci_function *function, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_zpci_function_each_run(struct viommu_zpci_function *function, uint64_t first, uint64_t last,
					     int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

/*
 * SCLP configure and deconfigure: RESERVED or STANDBY -> DISABLED, anything -> STANDBY (drops the
 * IOAT). 0, or -EINVAL from the wrong state.
 */
VIOMMU_API int viommu_zpci_configure(struct viommu_zpci_function *function);
VIOMMU_API int viommu_zpci_deconfigure(struct viommu_zpci_function *function);

/*
 * CLP Set PCI Function, enable and disable. Disabling resets: the IOAT is dropped. *fh is the new
 * handle. 0, or -EINVAL from the wrong state.
 */
VIOMMU_API int viommu_zpci_enable(struct viommu_zpci_function *function, uint32_t *fh);
VIOMMU_API int viommu_zpci_disable(struct viommu_zpci_function *function, uint32_t *fh);

/*
 * As viommu_zpci_enable() and viommu_zpci_disable(), with the handle that results given rather than
 * chosen: for a VMM that assigns handles itself, and for replaying. -EEXIST where another function
 * has its index.
 */
VIOMMU_API int viommu_zpci_enable_as(struct viommu_zpci_function *function, uint32_t fh);
VIOMMU_API int viommu_zpci_disable_as(struct viommu_zpci_function *function, uint32_t fh);

/*
 * Resets of a function, and of all functions of the VM (the machine's reset): the IOAT is dropped,
 * and the function is DISABLED, with its handle as after viommu_zpci_disable(). One that is
 * RESERVED, in STANDBY or in PERMANENT_ERROR stays so. Never fail. While all are reset, the caller
 * adds and removes none.
 */
VIOMMU_API void viommu_zpci_function_reset(struct viommu_zpci_function *function);
VIOMMU_API void viommu_zpci_reset(struct viommu_zpci *zpci);

/*
 * The device itself has failed and will not come back (it was unplugged by surprise, say): drops
 * the IOAT and moves the function to PERMANENT_ERROR, which it leaves only by
 * viommu_zpci_deconfigure(). There is no event: the VMM notifies the guest.
 */
VIOMMU_API void viommu_zpci_device_failed(struct viommu_zpci_function *function);

/*
 * A device's access failed with this fault of viommu_translate(): if the function is ENABLED,
 * reports the error event that fits it (where nothing is established, the guest's tables say why),
 * stops DMA, and moves the function to ERROR. Not to be called between viommu_reader_enter() and
 * viommu_reader_leave(), as stopping waits for accesses under way. 0, whatever the function's state
 * is; -EINVAL (fault is NULL, or its reason is VIOMMU_FAULT_NONE: nothing was done).
 */
VIOMMU_API int viommu_zpci_dma_fault(struct viommu_zpci_function *function, const struct viommu_fault *fault);

/* The function with exactly this handle, NULL if there is none. */
VIOMMU_API struct viommu_zpci_function *viommu_zpci_find(struct viommu_zpci *zpci, uint32_t fh);

/*
 * Bytes of the CLP responses that speak of translation, stored big-endian at their offsets (Linux,
 * pci_clp.h); the other bytes are the VMM's own and stay. bytes is the length of the response: at
 * least 80 (Query PCI Function: SDMA, EDMA, PFGID, PFT, FID) and 48 (Query PCI Function Group:
 * flags, DTSM, DASM, MSIA). 0 or -EINVAL.
 */
VIOMMU_API int viommu_zpci_clp_query_function(struct viommu_zpci_function *function, void *response, size_t bytes);
VIOMMU_API int viommu_zpci_clp_query_group(struct viommu_zpci_function *function, void *response, size_t bytes);

/*
 * The same of the group that the guest names: that of a function that has it, all of which the
 * caller has configured alike. -ENOENT if there is none.
 */
VIOMMU_API int viommu_zpci_clp_query_group_id(struct viommu_zpci *zpci, uint8_t pfgid, void *response, size_t bytes);

/*
 * The function information block, as far as it concerns translation (Linux, pci_insn.h: struct
 * zpci_fib). Frozen.
 */
struct viommu_zpci_fib {
	uint8_t fmt;
	uint8_t fc;	     /* function controls, stored by STPCIFC */
	uint8_t reserved[6]; /* 0 */
	uint64_t pba;
	uint64_t pal;
	uint64_t iota;
};
#define VIOMMU_ZPCI_FIB_BYTES  80u
#define VIOMMU_ZPCI_FC_ENABLED 0x80u
#define VIOMMU_ZPCI_FC_ERROR   0x40u
#define VIOMMU_ZPCI_FC_BLOCKED 0x20u
#define VIOMMU_ZPCI_FC_DMAAS   0x10u

/* The outcome of an instruction, as the guest must see it. */
struct viommu_zpci_answer {
	uint32_t size; /* sizeof(struct viommu_zpci_answer) */
	/* VIOMMU_ZPCI_PGM_*; 0 = none. With an exception the other members mean nothing */
	uint32_t exception;
	uint8_t cc;	     /* condition code */
	uint8_t status;	     /* for cc 1 */
	uint8_t reserved[6]; /* 0 */
	/* Of the refresh that the instruction caused, if one did */
	struct viommu_refresh_result refresh;
};
#define VIOMMU_ZPCI_ANSWER_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_answer, refresh)

/*
 * The instructions on decoded operands. r1 is the general register that R1 names, as it was; the
 * VMM stores answer->status into its bits 32-39 where answer->cc is 1. They return 0 with *answer
 * filled in, whatever the guest asked for; -EINVAL (answer is of no known size: nothing was done);
 * -EOPNOTSUPP from viommu_zpci_mpcifc() for an operation control that is not a matter of
 * translation (interrupts, measurement): nothing was done, the VMM handles it.
 */
VIOMMU_API int viommu_zpci_rpcit(struct viommu_zpci *zpci, uint64_t r1, uint64_t start, uint64_t bytes, struct viommu_zpci_answer *answer);
VIOMMU_API int viommu_zpci_mpcifc(struct viommu_zpci *zpci, uint64_t r1, const struct viommu_zpci_fib *fib, struct viommu_zpci_answer *answer);
VIOMMU_API int viommu_zpci_stpcifc(struct viommu_zpci *zpci, uint64_t *r1, struct viommu_zpci_fib *fib, struct viommu_zpci_answer *answer);

/*
 * How viommu_zpci_intercept() reaches the vCPU. Each returns 0, or a negative errno that is handed
 * through; read and write may return a positive program exception code (an access exception) that
 * the guest then gets.
 */
struct viommu_zpci_vcpu {
	uint32_t size;	   /* sizeof(struct viommu_zpci_vcpu) */
	uint32_t reserved; /* 0 */
	void *ctx;
	uint64_t (*get_gr)(void *ctx, unsigned int n); /* general register 0-15 */
	void (*set_gr)(void *ctx, unsigned int n, uint64_t value);
	uint64_t (*get_psw_mask)(void *ctx);
	/* The PSW's condition code */
	void (*set_cc)(void *ctx, unsigned int cc);
	/* guest logical address */
	int (*read)(void *ctx, uint64_t logical, unsigned int ar, void *buffer, size_t bytes);
	int (*write)(void *ctx, uint64_t logical, unsigned int ar, const void *buffer, size_t bytes);
	void (*program_interrupt)(void *ctx, uint32_t code);
	/*
	 * STPCIFC of an enabled function: fills in the VMM's own fields of the FIB (interrupts,
	 * measurement), which is zero when it comes; fh names the function as R1 does. What
	 * concerns translation is stored over it. May be NULL.
	 */
	void (*fill_fib)(void *ctx, uint32_t fh, uint8_t fib[VIOMMU_ZPCI_FIB_BYTES]);
};
#define VIOMMU_ZPCI_VCPU_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_vcpu, fill_fib)

/*
 * One call for a KVM VMM's exit handler: takes an instruction intercept as kvm_run.s390_sieic
 * delivers it (ipa, ipb) and carries the instruction out if it is RPCIT, STPCIFC, or MPCIFC for
 * translation. 0: done, resume the vCPU; -EOPNOTSUPP: not ours, nothing was done; another negative
 * errno from a callback.
 */
VIOMMU_API int viommu_zpci_intercept(struct viommu_zpci *zpci, const struct viommu_zpci_vcpu *vcpu, uint16_t ipa, uint32_t ipb);

#ifdef __cplusplus
}
#endif
#endif
