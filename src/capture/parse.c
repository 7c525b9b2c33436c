// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines to records. A line is cut into words; each kind of record takes its key=value words, and
 * any word left is an error. Omitted fields have their defaults.
 */
#include "words.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

static uint32_t need_fh(struct words *words)
{
	return (uint32_t)words_need_number(words, "fh", UINT32_MAX);
}

static uint32_t need_sid(struct words *words)
{
	return (uint32_t)words_need_number(words, "sid", UINT32_MAX);
}

static const char *const prot_names[] = { "r", "rw", NULL }, *const page_prot_names[] = { "r", "rw", "w", NULL };
static const uint32_t prots[] = { CAPTURE_R, CAPTURE_RW, CAPTURE_W };

static void parse_slot(struct words *words, struct capture_slot *slot)
{
	slot->gpa = words_need_number(words, "gpa", UINT64_MAX);
	slot->bytes = words_need_number(words, "bytes", UINT64_MAX);
	slot->prot = prots[words_need_choice(words, "prot", prot_names)];
}

static void parse_function(struct words *words, struct capture_function *function)
{
	static const char *const states[] = { "reserved", "standby", "disabled", "enabled", NULL };

	function->fh = need_fh(words);
	function->fid = (uint32_t)words_need_number(words, "fid", UINT32_MAX);
	function->state = (enum capture_state)words_need_choice(words, "state", states);
	function->sdma = words_take_number(words, "sdma", UINT64_MAX, 0);
	function->edma = words_take_number(words, "edma", UINT64_MAX, 0);
	function->msia = words_take_number(words, "msia", UINT64_MAX, 0);
	function->dtsm = (uint8_t)words_take_number(words, "dtsm", UINT8_MAX, 0);
	function->pft = (uint8_t)words_take_number(words, "pft", UINT8_MAX, 0);
	function->no_refresh = !words_take_number(words, "refresh", 1, 1);
	function->relaxed = words_take_number(words, "relaxed", 1, 0);
}

static void parse_mem(struct words *words, struct capture_mem *mem)
{
	unsigned int at = 0;

	mem->gpa = words_next_number(words, &at, "address");
	mem->value = words_next_number(words, &at, "value");
	mem->count = at < words->count ? words_next_number(words, &at, "count") : 1;
}

static void parse_page(enum capture_guest guest, struct words *words, struct capture_page *page)
{
	unsigned int at = 0;

	page->iova = words_next_number(words, &at, "IOVA");
	page->gpa = words_next_number(words, &at, "guest address");
	const char *prot = words_next(words, &at, "r or rw");
	page->prot = prots[prot ? words_choice(words, "rights", prot, capture_version(guest) > 1 ? page_prot_names : prot_names) : 0];
	page->count = at < words->count ? words_next_number(words, &at, "count") : 1;
}

static void parse_mpcifc(struct words *words, struct capture_mpcifc *mpcifc)
{
	mpcifc->fh = need_fh(words);
	mpcifc->oc = (uint8_t)words_need_number(words, "oc", UINT8_MAX);
	mpcifc->dmaas = (uint8_t)words_need_number(words, "dmaas", UINT8_MAX);
	mpcifc->pba = words_need_number(words, "pba", UINT64_MAX);
	mpcifc->pal = words_need_number(words, "pal", UINT64_MAX);
	mpcifc->iota = words_need_number(words, "iota", UINT64_MAX);
	mpcifc->fmt = (uint8_t)words_take_number(words, "fmt", UINT8_MAX, 0);
}

static void parse_rpcit(struct words *words, struct capture_rpcit *rpcit)
{
	rpcit->fh = need_fh(words);
	rpcit->start = words_need_number(words, "start", UINT64_MAX);
	rpcit->bytes = words_need_number(words, "bytes", UINT64_MAX);
}

static void parse_clp(struct words *words, struct capture_clp *clp)
{
	static const char *const ops[] = { "enable", "disable", NULL };

	clp->fh = need_fh(words);
	clp->op = words_need_choice(words, "op", ops) ? CAPTURE_CLP_DISABLE : CAPTURE_CLP_ENABLE;
	clp->to = (uint32_t)words_need_number(words, "to", UINT32_MAX);
}

static void parse_sclp(struct words *words, struct capture_sclp *sclp)
{
	static const char *const ops[] = { "configure", "deconfigure", NULL };

	sclp->fh = need_fh(words);
	sclp->op = words_need_choice(words, "op", ops) ? CAPTURE_SCLP_DECONFIGURE : CAPTURE_SCLP_CONFIGURE;
}

static void parse_smmu(struct words *words, struct capture_smmu *smmu)
{
	smmu->sid_bits = (uint32_t)words_take_number(words, "sid_bits", UINT32_MAX, 0);
	smmu->output_bits = (uint32_t)words_take_number(words, "output_bits", UINT32_MAX, 0);
	smmu->abort = words_take_number(words, "abort", 1, 0);
}

static void parse_iommu(enum capture_guest guest, struct words *words, struct capture_iommu *iommu)
{
	if (guest != CAPTURE_AMDVI)
		iommu->address_bits = (uint32_t)words_take_number(words, "address_bits", UINT32_MAX, 0);
	if (guest == CAPTURE_VIRTIO)
		iommu->bypass = words_take_number(words, "bypass", 1, 0);
}

static void parse_request(struct words *words, struct capture_request *request)
{
	static const char *const types[] = { "attach", "detach", "map", "unmap", NULL };
	const char *status = words_take(words, "status");

	request->type = (enum capture_request_type)(CAPTURE_ATTACH + words_need_choice(words, "type", types));
	request->domain = (uint32_t)words_need_number(words, "domain", UINT32_MAX);
	if (request->type == CAPTURE_ATTACH || request->type == CAPTURE_DETACH) {
		request->endpoint = (uint32_t)words_need_number(words, "endpoint", UINT32_MAX);
	} else {
		request->first = words_need_number(words, "first", UINT64_MAX);
		request->last = words_need_number(words, "last", UINT64_MAX);
	}
	if (request->type == CAPTURE_MAP)
		request->gpa = words_need_number(words, "gpa", UINT64_MAX);
	if (request->type == CAPTURE_ATTACH || request->type == CAPTURE_MAP)
		request->flags = (uint32_t)words_take_number(words, "flags", UINT32_MAX, 0);
	request->has_status = status;
	request->status = status ? (uint8_t)words_number(words, "status", status, UINT8_MAX) : 0;
}

static void parse_write(struct words *words, struct capture_write *write)
{
	write->offset = words_need_number(words, "offset", UINT64_MAX);
	write->bytes = (unsigned int)words_need_number(words, "bytes", UINT_MAX);
	write->value = words_need_number(words, "value", UINT64_MAX);
}

static void parse_answer(struct words *words, struct capture_answer *answer)
{
	const char *cc = words_take(words, "cc");
	const char *status = words_take(words, "status");
	const char *exception = words_take(words, "exception");

	if (cc && exception)
		WORDS_REFUSE(words, "cc= and exception= exclude each other");
	if (status && !cc)
		WORDS_REFUSE(words, "status= needs cc=1");
	if (cc) {
		answer->kind = CAPTURE_ANSWER_CC;
		answer->cc = (uint8_t)words_number(words, "cc", cc, 3);
		answer->has_status = status;
		answer->status = status ? (uint8_t)words_number(words, "status", status, UINT8_MAX) : 0;
	} else if (exception) {
		answer->kind = CAPTURE_ANSWER_EXCEPTION;
		answer->exception = (uint16_t)words_number(words, "exception", exception, UINT16_MAX);
	}
}

static void parse_time(struct words *words, struct capture_time *time)
{
	const char *text = words_take(words, "t");

	time->known = text;
	time->ns = text ? words_number(words, "t", text, UINT64_MAX) : 0;
}

static void parse_fields(enum capture_guest guest, struct words *words, struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_SLOT:
		parse_slot(words, &record->slot);
		break;
	case CAPTURE_UNSLOT:
		record->unslot.gpa = words_need_number(words, "gpa", UINT64_MAX);
		break;
	case CAPTURE_FUNCTION:
		parse_function(words, &record->function);
		break;
	case CAPTURE_SMMU:
		parse_smmu(words, &record->smmu);
		break;
	case CAPTURE_IOMMU:
		parse_iommu(guest, words, &record->iommu);
		break;
	case CAPTURE_STREAM:
		record->stream.sid = need_sid(words);
		break;
	case CAPTURE_UNPLUG:
		if (guest == CAPTURE_ZPCI)
			record->unplug.fh = need_fh(words);
		else
			record->unplug.sid = need_sid(words);
		break;
	case CAPTURE_MEM:
		parse_mem(words, &record->mem);
		break;
	case CAPTURE_MPCIFC:
		parse_mpcifc(words, &record->mpcifc);
		break;
	case CAPTURE_RPCIT:
		parse_rpcit(words, &record->rpcit);
		break;
	case CAPTURE_STPCIFC:
		record->stpcifc.fh = need_fh(words);
		record->stpcifc.dmaas = (uint8_t)words_take_number(words, "dmaas", UINT8_MAX, 0);
		break;
	case CAPTURE_CLP:
		parse_clp(words, &record->clp);
		break;
	case CAPTURE_SCLP:
		parse_sclp(words, &record->sclp);
		break;
	case CAPTURE_WRITE:
		parse_write(words, &record->write);
		break;
	case CAPTURE_DRIVER:
		record->driver.features = words_need_number(words, "features", UINT64_MAX);
		break;
	case CAPTURE_REQUEST:
		parse_request(words, &record->request);
		break;
	case CAPTURE_KICK:
		record->kick.sid = need_sid(words);
		break;
	case CAPTURE_ORACLE:
		if (capture_has_streams(guest))
			record->oracle.sid = need_sid(words);
		record->oracle.first = words_need_number(words, "first", UINT64_MAX);
		record->oracle.last = words_need_number(words, "last", UINT64_MAX);
		break;
	case CAPTURE_PAGE:
		parse_page(guest, words, &record->page);
		break;
	case CAPTURE_END:
		record->end.operations = words_need_number(words, "operations", UINT64_MAX);
		break;
	case CAPTURE_NOTE:
		break;
	}
	if (record->kind == CAPTURE_MPCIFC || record->kind == CAPTURE_RPCIT || record->kind == CAPTURE_STPCIFC)
		parse_answer(words, &record->answer);
	if (capture_is_operation(record->kind))
		parse_time(words, &record->time);
}

static enum capture_kind find_kind(const char *keyword)
{
	for (unsigned int kind = CAPTURE_NOTE; kind < CAPTURE_KINDS; kind++) {
		if (!strcmp(keyword, capture_keyword((enum capture_kind)kind)))
			return (enum capture_kind)kind;
	}
	return 0;
}

static void refuse_left_over(struct words *words, const char *keyword)
{
	for (unsigned int i = 0; i < words->count; i++) {
		if (words->word[i])
			WORDS_REFUSE(words, "%s: '%.*s' is unknown, or given twice, or one too many", keyword, WORDS_SHOWN, words->word[i]);
	}
}

int capture_parse(enum capture_guest guest, char *line, struct capture_record *record, struct capture_what *what)
{
	struct words words = { .what = what };

	*record = (struct capture_record){ 0 };
	char *rest = words_skip_blanks(line);
	if (!*rest || *rest == '#')
		return 0;
	if (line[strlen(line) - 1] == '\r') {
		capture_what(what, "the line ends in a carriage return: a line ends in a line feed alone");
		return -EINVAL;
	}
	const char *keyword = words_cut(&rest);
	record->kind = find_kind(keyword);
	if (!record->kind) {
		capture_what(what, "unknown record '%.*s'", WORDS_SHOWN, keyword);
		return -EINVAL;
	}
	if (!capture_has_kind(guest, record->kind)) {
		capture_what(what, "a capture of %s has no record '%s'", capture_guest_name(guest), keyword);
		return -EINVAL;
	}
	if (record->kind == CAPTURE_NOTE) {
		record->note.text = rest;
		return 1;
	}
	for (char *word; (word = words_cut(&rest));) {
		if (words.count == WORDS_MAX) {
			capture_what(what, "%s: too many words", keyword);
			return -EINVAL;
		}
		words.word[words.count++] = word;
	}
	parse_fields(guest, &words, record);
	refuse_left_over(&words, keyword);
	return words.err ? words.err : 1;
}
