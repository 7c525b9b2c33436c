// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Records to lines. Addresses, handles and codes are written in hexadecimal, counts in decimal;
 * fields with their default are omitted.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A line being written. Every record fits: the longest is a note, whose length the rules bound. */
struct line {
	char *text;
	size_t used;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int bytes = vsnprintf(line->text + line->used, CAPTURE_LINE_BUFFER - line->used, format, args);
	va_end(args);
	if (bytes > 0)
		line->used += (size_t)bytes;
	if (line->used > CAPTURE_LINE_BYTES)
		line->used = CAPTURE_LINE_BYTES;
}

static void add_unless_0(struct line *line, const char *key, uint64_t value)
{
	if (value)
		add(line, " %s=0x%" PRIx64, key, value);
}

static void add_answer(struct line *line, const struct capture_answer *answer)
{
	switch (answer->kind) {
	case CAPTURE_ANSWER_NONE:
		break;
	case CAPTURE_ANSWER_CC:
		add(line, " cc=%u", answer->cc);
		if (answer->has_status)
			add(line, " status=%u", answer->status);
		break;
	case CAPTURE_ANSWER_EXCEPTION:
		add(line, " exception=0x%x", answer->exception);
		break;
	}
}

static void add_function(struct line *line, const struct capture_function *function)
{
	add(line, " fh=0x%" PRIx32 " fid=0x%" PRIx32 " state=%s", function->fh, function->fid, capture_state_name(function->state));
	add_unless_0(line, "sdma", function->sdma);
	add_unless_0(line, "edma", function->edma);
	add_unless_0(line, "msia", function->msia);
	add_unless_0(line, "dtsm", function->dtsm);
	add_unless_0(line, "pft", function->pft);
	if (function->no_refresh)
		add(line, " refresh=0");
	if (function->relaxed)
		add(line, " relaxed=1");
}

static void add_smmu(struct line *line, const struct capture_smmu *smmu)
{
	if (smmu->sid_bits)
		add(line, " sid_bits=%" PRIu32, smmu->sid_bits);
	if (smmu->output_bits)
		add(line, " output_bits=%" PRIu32, smmu->output_bits);
	if (smmu->abort)
		add(line, " abort=1");
}

static void add_iommu(struct line *line, const struct capture_iommu *iommu)
{
	if (iommu->address_bits)
		add(line, " address_bits=%" PRIu32, iommu->address_bits);
	if (iommu->bypass)
		add(line, " bypass=1");
}

static void add_request(struct line *line, const struct capture_request *request)
{
	add(line, " type=%s domain=0x%" PRIx32, capture_request_name(request->type), request->domain);
	if (request->type == CAPTURE_ATTACH || request->type == CAPTURE_DETACH)
		add(line, " endpoint=0x%" PRIx32, request->endpoint);
	else
		add(line, " first=0x%" PRIx64 " last=0x%" PRIx64, request->first, request->last);
	if (request->type == CAPTURE_MAP)
		add(line, " gpa=0x%" PRIx64, request->gpa);
	if (request->type == CAPTURE_ATTACH || request->type == CAPTURE_MAP)
		add_unless_0(line, "flags", request->flags);
	if (request->has_status)
		add(line, " status=%u", request->status);
}

static void add_fields(enum capture_guest guest, struct line *line, const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_NOTE:
		add(line, " %s", record->note.text);
		break;
	case CAPTURE_SLOT:
		add(line, " gpa=0x%" PRIx64 " bytes=0x%" PRIx64 " prot=%s", record->slot.gpa, record->slot.bytes, capture_rights_name(record->slot.prot));
		break;
	case CAPTURE_UNSLOT:
		add(line, " gpa=0x%" PRIx64, record->unslot.gpa);
		break;
	case CAPTURE_FUNCTION:
		add_function(line, &record->function);
		break;
	case CAPTURE_SMMU:
		add_smmu(line, &record->smmu);
		break;
	case CAPTURE_IOMMU:
		add_iommu(line, &record->iommu);
		break;
	case CAPTURE_STREAM:
		add(line, " sid=0x%" PRIx32, record->stream.sid);
		break;
	case CAPTURE_UNPLUG:
		if (guest == CAPTURE_ZPCI)
			add(line, " fh=0x%" PRIx32, record->unplug.fh);
		else
			add(line, " sid=0x%" PRIx32, record->unplug.sid);
		break;
	case CAPTURE_MEM:
		add(line, " 0x%" PRIx64 " 0x%" PRIx64, record->mem.gpa, record->mem.value);
		if (record->mem.count != 1)
			add(line, " %" PRIu64, record->mem.count);
		break;
	case CAPTURE_MPCIFC:
		add(line, " fh=0x%" PRIx32 " oc=%u dmaas=%u pba=0x%" PRIx64 " pal=0x%" PRIx64 " iota=0x%" PRIx64, record->mpcifc.fh, record->mpcifc.oc,
		    record->mpcifc.dmaas, record->mpcifc.pba, record->mpcifc.pal, record->mpcifc.iota);
		add_unless_0(line, "fmt", record->mpcifc.fmt);
		break;
	case CAPTURE_RPCIT:
		add(line, " fh=0x%" PRIx32 " start=0x%" PRIx64 " bytes=0x%" PRIx64, record->rpcit.fh, record->rpcit.start, record->rpcit.bytes);
		break;
	case CAPTURE_STPCIFC:
		add(line, " fh=0x%" PRIx32, record->stpcifc.fh);
		add_unless_0(line, "dmaas", record->stpcifc.dmaas);
		break;
	case CAPTURE_CLP:
		add(line, " fh=0x%" PRIx32 " op=%s to=0x%" PRIx32, record->clp.fh, record->clp.op == CAPTURE_CLP_ENABLE ? "enable" : "disable", record->clp.to);
		break;
	case CAPTURE_SCLP:
		add(line, " fh=0x%" PRIx32 " op=%s", record->sclp.fh, record->sclp.op == CAPTURE_SCLP_CONFIGURE ? "configure" : "deconfigure");
		break;
	case CAPTURE_WRITE:
		add(line, " offset=0x%" PRIx64 " bytes=%u value=0x%" PRIx64, record->write.offset, record->write.bytes, record->write.value);
		break;
	case CAPTURE_DRIVER:
		add(line, " features=0x%" PRIx64, record->driver.features);
		break;
	case CAPTURE_REQUEST:
		add_request(line, &record->request);
		break;
	case CAPTURE_KICK:
		add(line, " sid=0x%" PRIx32, record->kick.sid);
		break;
	case CAPTURE_ORACLE:
		if (capture_has_streams(guest))
			add(line, " sid=0x%" PRIx32, record->oracle.sid);
		add(line, " first=0x%" PRIx64 " last=0x%" PRIx64, record->oracle.first, record->oracle.last);
		break;
	case CAPTURE_PAGE:
		add(line, " 0x%" PRIx64 " 0x%" PRIx64 " %s", record->page.iova, record->page.gpa, capture_rights_name(record->page.prot));
		if (record->page.count != 1)
			add(line, " %" PRIu64, record->page.count);
		break;
	case CAPTURE_END:
		add(line, " operations=%" PRIu64, record->end.operations);
		break;
	}
}

size_t capture_print(enum capture_guest guest, const struct capture_record *record, char *text)
{
	struct line line = { .text = text };

	add(&line, "%s", capture_keyword(record->kind));
	add_fields(guest, &line, record);
	if (record->kind == CAPTURE_MPCIFC || record->kind == CAPTURE_RPCIT || record->kind == CAPTURE_STPCIFC)
		add_answer(&line, &record->answer);
	if (capture_is_operation(record->kind) && record->time.known)
		add(&line, " t=%" PRIu64, record->time.ns);
	text[line.used++] = '\n';
	text[line.used] = '\0';
	return line.used;
}
