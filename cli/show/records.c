// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `viommu show --records`: each record on a line, with the meaning of its numbers. */
#include "show.h"

#include <inttypes.h>

#include <viommu/zpci.h>

#include "unit/unit.h"

static const char *operation_control(uint8_t oc)
{
	switch (oc) {
	case VIOMMU_ZPCI_OC_REG_IOAT:
		return "register";
	case VIOMMU_ZPCI_OC_DEREG_IOAT:
		return "deregister";
	case VIOMMU_ZPCI_OC_REREG_IOAT:
		return "re-register";
	case VIOMMU_ZPCI_OC_RESET_ERROR:
		return "reset error";
	case VIOMMU_ZPCI_OC_RESET_BLOCK:
		return "reset block";
	default:
		return "other control";
	}
}

static void show_function_record(const struct capture_function *function)
{
	printf("0x%08" PRIx32 " fid 0x%" PRIx32 " is plugged, %s", function->fh, function->fid, capture_state_name(function->state));
	if (function->sdma)
		printf(", sdma 0x%" PRIx64, function->sdma);
	if (function->edma)
		printf(", edma 0x%" PRIx64, function->edma);
	if (function->msia)
		printf(", msia 0x%" PRIx64, function->msia);
	if (function->dtsm)
		printf(", dtsm 0x%02x", function->dtsm);
	if (function->pft)
		printf(", pft %u", function->pft);
	if (function->no_refresh)
		printf(", need not refresh what becomes valid");
	if (function->relaxed)
		printf(", may work untranslated");
}

static void show_smmu_record(const struct capture_smmu *smmu)
{
	printf("StreamIDs of %" PRIu32 " bits, addresses of %" PRIu32 " bits, after a reset devices reach %s",
	       smmu->sid_bits ? smmu->sid_bits : CAPTURE_SMMU_SID_BITS, smmu->output_bits ? smmu->output_bits : CAPTURE_SMMU_OUTPUT_BITS,
	       smmu->abort ? "nothing" : "all of memory");
}

static void show_write(const struct unit_type *type, const struct capture_write *write)
{
	const char *name = unit_register_name(type, write->offset);

	if (name)
		printf("%s", name);
	else
		printf("offset 0x%" PRIx64, write->offset);
	printf(" = 0x%0*" PRIx64, (int)(2 * write->bytes), write->value);
}

static void show_request(const struct capture_request *request)
{
	printf("%s domain 0x%" PRIx32, capture_request_name(request->type), request->domain);
	if (request->type == CAPTURE_ATTACH || request->type == CAPTURE_DETACH)
		printf(", stream 0x%" PRIx32, request->endpoint);
	else
		printf(", IOVA 0x%" PRIx64 "..0x%" PRIx64, request->first, request->last);
	if (request->type == CAPTURE_MAP)
		printf(" -> 0x%" PRIx64, request->gpa);
	if (request->flags)
		printf(", flags 0x%" PRIx32, request->flags);
	if (request->has_status)
		printf(" -> status %u", request->status);
}

static void show_answer(const struct capture_answer *answer)
{
	if (answer->kind == CAPTURE_ANSWER_EXCEPTION)
		printf(" -> exception 0x%04x", answer->exception);
	else if (answer->kind == CAPTURE_ANSWER_CC && answer->has_status)
		printf(" -> cc %u status %u", answer->cc, answer->status);
	else if (answer->kind == CAPTURE_ANSWER_CC)
		printf(" -> cc %u", answer->cc);
}

static void show_fields(enum capture_guest guest, const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_NOTE:
		cli_put_text(stdout, record->note.text);
		break;
	case CAPTURE_SLOT:
		printf("0x%" PRIx64 "..0x%" PRIx64 " %s, %s", record->slot.gpa, record->slot.gpa + (record->slot.bytes - 1),
		       capture_rights_name(record->slot.prot), cli_bytes(record->slot.bytes));
		break;
	case CAPTURE_UNSLOT:
		printf("at 0x%" PRIx64, record->unslot.gpa);
		break;
	case CAPTURE_FUNCTION:
		show_function_record(&record->function);
		break;
	case CAPTURE_SMMU:
		show_smmu_record(&record->smmu);
		break;
	case CAPTURE_IOMMU:
		printf("IOVAs of %" PRIu32 " bits", record->iommu.address_bits ? record->iommu.address_bits : CAPTURE_IOMMU_ADDRESS_BITS);
		break;
	case CAPTURE_STREAM:
		printf("0x%" PRIx32 " is plugged", record->stream.sid);
		break;
	case CAPTURE_UNPLUG:
		if (capture_has_streams(guest))
			printf("stream 0x%" PRIx32, record->unplug.sid);
		else
			printf("0x%08" PRIx32, record->unplug.fh);
		break;
	case CAPTURE_MEM:
		if (record->mem.count == 1)
			printf("0x%" PRIx64 " = 0x%016" PRIx64, record->mem.gpa, record->mem.value);
		else
			printf("0x%" PRIx64 "..0x%" PRIx64 " = 0x%016" PRIx64 ", %s times", record->mem.gpa, record->mem.gpa + (record->mem.count * 8 - 1),
			       record->mem.value, cli_count(record->mem.count));
		break;
	case CAPTURE_MPCIFC:
		printf("0x%08" PRIx32 " %s (oc %u)", record->mpcifc.fh, operation_control(record->mpcifc.oc), record->mpcifc.oc);
		if (record->mpcifc.oc == VIOMMU_ZPCI_OC_REG_IOAT || record->mpcifc.oc == VIOMMU_ZPCI_OC_REREG_IOAT)
			printf(" IOVA 0x%" PRIx64 "..0x%" PRIx64 ", IOTA 0x%" PRIx64 " (%s)", record->mpcifc.pba, record->mpcifc.pal, record->mpcifc.iota,
			       show_designation(record->mpcifc.iota));
		break;
	case CAPTURE_RPCIT:
		printf("0x%08" PRIx32 " IOVA 0x%" PRIx64 ", %s", record->rpcit.fh, record->rpcit.start, cli_bytes(record->rpcit.bytes));
		break;
	case CAPTURE_STPCIFC:
		printf("0x%08" PRIx32, record->stpcifc.fh);
		break;
	case CAPTURE_CLP:
		printf("0x%08" PRIx32 " %s, becomes 0x%08" PRIx32, record->clp.fh, record->clp.op == CAPTURE_CLP_ENABLE ? "enable" : "disable", record->clp.to);
		break;
	case CAPTURE_SCLP:
		printf("0x%08" PRIx32 " %s", record->sclp.fh, record->sclp.op == CAPTURE_SCLP_CONFIGURE ? "configure" : "deconfigure");
		break;
	case CAPTURE_WRITE:
		show_write(unit_type_of(guest), &record->write);
		break;
	case CAPTURE_DRIVER:
		printf("features 0x%" PRIx64, record->driver.features);
		break;
	case CAPTURE_REQUEST:
		show_request(&record->request);
		break;
	case CAPTURE_KICK:
		printf("stream 0x%" PRIx32, record->kick.sid);
		break;
	case CAPTURE_ORACLE:
		if (capture_has_streams(guest))
			printf("stream 0x%" PRIx32 " ", record->oracle.sid);
		printf("IOVA 0x%" PRIx64 "..0x%" PRIx64, record->oracle.first, record->oracle.last);
		break;
	case CAPTURE_PAGE:
		printf("IOVA 0x%" PRIx64 " -> 0x%" PRIx64 " %s, %s", record->page.iova, record->page.gpa, capture_rights_name(record->page.prot),
		       cli_count(record->page.count));
		break;
	case CAPTURE_END:
		printf("after %s", cli_count_of(record->end.operations, "operation", "operations"));
		break;
	}
}

void show_record(enum capture_guest guest, const struct capture_record *record)
{
	printf("%8" PRIu64 "  %-8s  ", record->line, capture_keyword(record->kind));
	show_fields(guest, record);
	show_answer(&record->answer);
	if (record->time.known)
		printf(" at %.6f s", (double)record->time.ns * 1e-9);
	putchar('\n');
}
