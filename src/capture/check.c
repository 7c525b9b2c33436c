// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The rules for records and their order: docs/capture-format.md in C. The reader and the writer use
 * the same rules, so that neither accepts a record that the other refuses. A record's effect on a
 * machine is not judged: a capture must be able to record a guest's mistakes.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/arm64_sizes.h"

#define PAGE_MASK (CAPTURE_PAGE_SIZE - 1)

void capture_what(struct capture_what *what, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(what->text, sizeof(what->text), format, args);
	va_end(args);
}

static int refuse(struct capture_what *what, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct capture_what *what, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(what->text, sizeof(what->text), format, args);
	va_end(args);
	return -EINVAL;
}

static int check_note(const struct capture_note *note, struct capture_what *what)
{
	if (!note->text)
		return refuse(what, "a note without text");
	size_t bytes = strlen(note->text);
	if (bytes > CAPTURE_LINE_BYTES - sizeof("note"))
		return refuse(what, "a note is longer than a line may be (%u bytes)", CAPTURE_LINE_BYTES);
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)note->text[i];
		if (c != '\t' && (c < ' ' || c > '~'))
			return refuse(what, "byte 0x%02x in a note: notes are plain ASCII", c);
	}
	return 0;
}

static int check_prot(uint32_t prot, struct capture_what *what)
{
	return prot == CAPTURE_R || prot == CAPTURE_RW ? 0 : refuse(what, "rights 0x%" PRIx32 " are neither r nor rw", prot);
}

static int check_slot(const struct capture_rules *rules, const struct capture_slot *slot, struct capture_what *what)
{
	if ((slot->gpa | slot->bytes) & PAGE_MASK)
		return refuse(what, "slot: gpa and bytes must be multiples of 4096");
	if (!slot->bytes)
		return refuse(what, "slot: empty");
	if (slot->bytes - 1 > UINT64_MAX - slot->gpa)
		return refuse(what, "slot: gpa + bytes goes beyond 2^64");
	for (unsigned int i = 0; i < rules->slot_count; i++) {
		if (slot->gpa <= rules->slots[i].last && slot->gpa + (slot->bytes - 1) >= rules->slots[i].first)
			return refuse(what, "slot: overlaps the slot at 0x%" PRIx64, rules->slots[i].first);
	}
	if (rules->slot_count == CAPTURE_MAX_SLOTS)
		return refuse(what, "slot: more than %u slots at one time", CAPTURE_MAX_SLOTS);
	return check_prot(slot->prot, what);
}

static int add_slot(struct capture_rules *rules, const struct capture_slot *slot, struct capture_what *what)
{
	if (rules->slot_count == rules->slot_capacity) {
		unsigned int capacity = rules->slot_capacity ? rules->slot_capacity * 2 : 8;
		struct capture_rules_slot *slots = realloc(rules->slots, capacity * sizeof(*slots));
		if (!slots) {
			capture_what(what, "out of memory");
			return -ENOMEM;
		}
		rules->slots = slots;
		rules->slot_capacity = capacity;
	}
	rules->slots[rules->slot_count++] = (struct capture_rules_slot){ slot->gpa, slot->gpa + (slot->bytes - 1) };
	return 0;
}

static int remove_slot(struct capture_rules *rules, const struct capture_unslot *unslot, struct capture_what *what)
{
	for (unsigned int i = 0; i < rules->slot_count; i++) {
		if (rules->slots[i].first == unslot->gpa) {
			rules->slots[i] = rules->slots[--rules->slot_count];
			return 0;
		}
	}
	return refuse(what, "unslot: no slot begins at 0x%" PRIx64, unslot->gpa);
}

static int check_function(const struct capture_function *function, struct capture_what *what)
{
	if ((unsigned int)function->state > CAPTURE_ENABLED)
		return refuse(what, "function: unknown state %u", (unsigned int)function->state);
	/* Bit 0 of a handle says that the function is enabled. */
	if ((function->state == CAPTURE_ENABLED) != !!(function->fh & 0x80000000u))
		return refuse(what, "function: bit 0x80000000 of fh must be set in state enabled, and in no other");
	return 0;
}

static int check_smmu(const struct capture_rules *rules, const struct capture_smmu *smmu, struct capture_what *what)
{
	if (rules->sid_bits)
		return refuse(what, "smmu: there is one already");
	if (smmu->sid_bits > 32)
		return refuse(what, "smmu: a StreamID has at most 32 bits");
	if (!smmu->output_bits || arm64_size(smmu->output_bits) < ARM64_SIZES)
		return 0;
	return refuse(what, "smmu: output_bits is 32, 36, 40, 42, 44, 48 or 52");
}

static int check_iommu(const struct capture_rules *rules, const struct capture_iommu *iommu, struct capture_what *what)
{
	if (rules->sid_bits)
		return refuse(what, "iommu: there is one already");
	if (iommu->address_bits && (iommu->address_bits < 32 || iommu->address_bits > 64))
		return refuse(what, "iommu: address_bits is 32 to 64");
	return 0;
}

static int check_sid(const struct capture_rules *rules, uint32_t sid, const char *keyword, struct capture_what *what)
{
	if (!rules->sid_bits)
		return refuse(what, "%s: there is no %s yet", keyword, rules->guest == CAPTURE_SMMUV3 ? "SMMU" : "IOMMU");
	if ((uint64_t)sid >> rules->sid_bits)
		return refuse(what, "%s: sid 0x%" PRIx32 " has more than %u bits", keyword, sid, rules->sid_bits);
	return 0;
}

static int check_write(const struct capture_rules *rules, const struct capture_write *write, struct capture_what *what)
{
	if (!rules->sid_bits)
		return refuse(what, "write: there is no %s yet", rules->guest == CAPTURE_SMMUV3 ? "SMMU" : "IOMMU");
	if (write->bytes != 4 && write->bytes != 8)
		return refuse(what, "write: bytes is 4 or 8");
	if (write->offset % write->bytes)
		return refuse(what, "write: offset 0x%" PRIx64 " is not a multiple of %u", write->offset, write->bytes);
	if (write->offset >= capture_register_bytes(rules->guest))
		return refuse(what, "write: offset 0x%" PRIx64 " is beyond the register pages", write->offset);
	if (write->bytes == 4 && write->value > UINT32_MAX)
		return refuse(what, "write: value 0x%" PRIx64 " has more than 4 bytes", write->value);
	return 0;
}

static int check_request(const struct capture_rules *rules, const struct capture_request *request, struct capture_what *what)
{
	if (!rules->sid_bits)
		return refuse(what, "request: there is no IOMMU yet");
	if (!capture_request_name(request->type))
		return refuse(what, "request: unknown type %u", (unsigned int)request->type);
	return 0;
}

static int check_mem(const struct capture_rules *rules, const struct capture_mem *mem, struct capture_what *what)
{
	if (mem->gpa & 7)
		return refuse(what, "mem: address 0x%" PRIx64 " is not a multiple of 8", mem->gpa);
	if (!mem->count || mem->count > CAPTURE_MAX_COUNT)
		return refuse(what, "mem: a count must be 1 to %" PRIu64, CAPTURE_MAX_COUNT);
	uint64_t bytes = mem->count * 8;
	for (unsigned int i = 0; i < rules->slot_count; i++) {
		if (mem->gpa >= rules->slots[i].first && mem->gpa <= rules->slots[i].last) {
			if (rules->slots[i].last - mem->gpa >= bytes - 1)
				return 0;
			return refuse(what, "mem: goes beyond the end of the slot at 0x%" PRIx64, rules->slots[i].first);
		}
	}
	return refuse(what, "mem: address 0x%" PRIx64 " is in no slot", mem->gpa);
}

static int check_answer(const struct capture_answer *answer, struct capture_what *what)
{
	if (answer->kind == CAPTURE_ANSWER_CC && answer->cc > 3)
		return refuse(what, "condition code %u is not 0 to 3", answer->cc);
	if (answer->kind == CAPTURE_ANSWER_CC && answer->has_status && answer->cc != 1)
		return refuse(what, "a status goes with cc=1 only");
	if (answer->kind == CAPTURE_ANSWER_EXCEPTION && !answer->exception)
		return refuse(what, "exception 0 is none");
	return 0;
}

static int check_clp(const struct capture_clp *clp, struct capture_what *what)
{
	if (clp->op != CAPTURE_CLP_ENABLE && clp->op != CAPTURE_CLP_DISABLE)
		return refuse(what, "clp: unknown op %u", (unsigned int)clp->op);
	if ((clp->op == CAPTURE_CLP_ENABLE) != !!(clp->to & 0x80000000u))
		return refuse(what, "clp: bit 0x80000000 of the new handle must be set by enable, and cleared by disable");
	return 0;
}

static int check_oracle(const struct capture_rules *rules, const struct capture_oracle *oracle, struct capture_what *what)
{
	int err = capture_has_streams(rules->guest) ? check_sid(rules, oracle->sid, "oracle", what) : 0;
	if (err)
		return err;
	if (!capture_is_operation(rules->previous) && rules->previous != CAPTURE_ORACLE && rules->previous != CAPTURE_PAGE)
		return refuse(what, "oracle: must directly follow the operation that it belongs to");
	if ((oracle->first & PAGE_MASK) || (oracle->last & PAGE_MASK) != PAGE_MASK)
		return refuse(what, "oracle: first must end in 000 and last in fff, in hexadecimal");
	if (oracle->first > oracle->last)
		return refuse(what, "oracle: first is above last");
	return 0;
}

static int check_page(const struct capture_rules *rules, const struct capture_page *page, struct capture_what *what)
{
	if (rules->previous != CAPTURE_ORACLE && rules->previous != CAPTURE_PAGE)
		return refuse(what, "page: must follow an oracle or another page");
	if ((page->iova | page->gpa) & PAGE_MASK)
		return refuse(what, "page: addresses must be multiples of 4096");
	if (!page->count)
		return refuse(what, "page: a count must be at least 1");
	if (page->iova < rules->oracle.first || page->iova > rules->oracle.last || page->count - 1 > (rules->oracle.last - page->iova) / CAPTURE_PAGE_SIZE)
		return refuse(what, "page: outside the oracle's first..last");
	if (rules->oracle_full || page->iova < rules->page_next)
		return refuse(what, "page: IOVA 0x%" PRIx64 " is not above the page record before it", page->iova);
	if (page->count - 1 > (UINT64_MAX - page->gpa) / CAPTURE_PAGE_SIZE)
		return refuse(what, "page: the guest address goes beyond 2^64");
	if (page->prot == CAPTURE_W && capture_version(rules->guest) > 1)
		return 0;
	return check_prot(page->prot, what);
}

static void note_page(struct capture_rules *rules, const struct capture_page *page)
{
	uint64_t last = page->iova + ((page->count - 1) * CAPTURE_PAGE_SIZE + PAGE_MASK);

	rules->oracle_full = last == rules->oracle.last;
	rules->page_next = last + 1;
}

static int check_kind(const struct capture_rules *rules, const struct capture_record *record, struct capture_what *what)
{
	switch (record->kind) {
	case CAPTURE_NOTE:
		return check_note(&record->note, what);
	case CAPTURE_SLOT:
		return check_slot(rules, &record->slot, what);
	case CAPTURE_FUNCTION:
		return check_function(&record->function, what);
	case CAPTURE_SMMU:
		return check_smmu(rules, &record->smmu, what);
	case CAPTURE_IOMMU:
		return check_iommu(rules, &record->iommu, what);
	case CAPTURE_STREAM:
		return check_sid(rules, record->stream.sid, "stream", what);
	case CAPTURE_MEM:
		return check_mem(rules, &record->mem, what);
	case CAPTURE_MPCIFC:
	case CAPTURE_RPCIT:
	case CAPTURE_STPCIFC:
		return check_answer(&record->answer, what);
	case CAPTURE_CLP:
		return check_clp(&record->clp, what);
	case CAPTURE_SCLP:
		if (record->sclp.op != CAPTURE_SCLP_CONFIGURE && record->sclp.op != CAPTURE_SCLP_DECONFIGURE)
			return refuse(what, "sclp: unknown op %u", (unsigned int)record->sclp.op);
		return 0;
	case CAPTURE_WRITE:
		return check_write(rules, &record->write, what);
	case CAPTURE_DRIVER:
		return rules->sid_bits ? 0 : refuse(what, "driver: there is no IOMMU yet");
	case CAPTURE_REQUEST:
		return check_request(rules, &record->request, what);
	case CAPTURE_KICK:
		return check_sid(rules, record->kick.sid, "kick", what);
	case CAPTURE_ORACLE:
		return check_oracle(rules, &record->oracle, what);
	case CAPTURE_PAGE:
		return check_page(rules, &record->page, what);
	case CAPTURE_END:
		if (record->end.operations != rules->operations)
			return refuse(what, "end says %" PRIu64 " operations, but there are %" PRIu64, record->end.operations, rules->operations);
		return 0;
	case CAPTURE_UNPLUG:
		return capture_has_streams(rules->guest) ? check_sid(rules, record->unplug.sid, "unplug", what) : 0;
	case CAPTURE_UNSLOT:
		return 0;
	}
	return refuse(what, "unknown kind of record %u", (unsigned int)record->kind);
}

int capture_rules_next(struct capture_rules *rules, const struct capture_record *record, struct capture_what *what)
{
	if (rules->previous == CAPTURE_END)
		return refuse(what, "a record after the end");
	int err = check_kind(rules, record, what);
	if (!err && !capture_has_kind(rules->guest, record->kind))
		err = refuse(what, "a capture of %s has no record '%s'", capture_guest_name(rules->guest), capture_keyword(record->kind));
	if (!err && record->kind == CAPTURE_SLOT)
		err = add_slot(rules, &record->slot, what);
	if (!err && record->kind == CAPTURE_UNSLOT)
		err = remove_slot(rules, &record->unslot, what);
	if (err)
		return err;

	if (record->kind == CAPTURE_ORACLE) {
		rules->oracle = record->oracle;
		rules->oracle_full = false;
		rules->page_next = record->oracle.first;
	} else if (record->kind == CAPTURE_PAGE) {
		note_page(rules, &record->page);
	} else if (record->kind == CAPTURE_SMMU) {
		rules->sid_bits = record->smmu.sid_bits ? record->smmu.sid_bits : CAPTURE_SMMU_SID_BITS;
	} else if (record->kind == CAPTURE_IOMMU) {
		/* Bus, device and function; endpoint IDs are the firmware's. */
		rules->sid_bits = rules->guest == CAPTURE_VIRTIO ? 32 : 16;
	}
	if (capture_is_operation(record->kind))
		rules->operations++;
	if (record->kind != CAPTURE_NOTE)
		rules->previous = record->kind;
	return 0;
}

void capture_rules_free(struct capture_rules *rules)
{
	free(rules->slots);
	*rules = (struct capture_rules){ 0 };
}
