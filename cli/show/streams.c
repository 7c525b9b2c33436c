// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The description of a guest whose devices are streams: its IOMMU, the streams, and the number of
 * stores to each register, or of requests. Commands are in memory, and are known only when they are
 * executed.
 */
#include "show.h"

#include <inttypes.h>
#include <string.h>

#include "unit/unit.h"

struct stream {
	bool present;
	uint32_t sid;
	uint64_t kicks;
	uint64_t oracles;
	uint64_t first, last; /* of all of these */
};

#define SHOW_REGISTERS 32u /* that are counted separately */

struct streams {
	struct capture_record iommu; /* the record; all zeros: none */
	unsigned int stream_count;
	struct stream streams[SHOW_FUNCTIONS];
	uint64_t strangers; /* kicks and oracles of unknown streams */
	struct {
		const char *name;
		uint64_t count;
	} registers[SHOW_REGISTERS];
	uint64_t unknown; /* stores to others */
	uint64_t requests[CAPTURE_UNMAP + 1];
	uint64_t refused;
};

/* A stream that is not there now may have been, and come back with the same StreamID. */
static struct stream *find(struct streams *description, uint32_t sid)
{
	for (unsigned int i = 0; i < description->stream_count; i++) {
		if (description->streams[i].present && description->streams[i].sid == sid)
			return &description->streams[i];
	}
	return NULL;
}

static void add_store(struct streams *description, const struct unit_type *type, uint64_t offset)
{
	const char *name = unit_register_name(type, offset);

	for (unsigned int i = 0; name && i < SHOW_REGISTERS; i++) {
		if (description->registers[i].name && strcmp(description->registers[i].name, name))
			continue;
		description->registers[i].name = name;
		description->registers[i].count++;
		return;
	}
	description->unknown++;
}

static void add_oracle(struct stream *stream, const struct capture_oracle *oracle)
{
	if (!stream->oracles || oracle->first < stream->first)
		stream->first = oracle->first;
	if (!stream->oracles || oracle->last > stream->last)
		stream->last = oracle->last;
	stream->oracles++;
}

static void add(void *own, enum capture_guest guest, const struct capture_record *record)
{
	struct streams *description = own;
	struct stream *stream;

	switch (record->kind) {
	case CAPTURE_SMMU:
	case CAPTURE_IOMMU:
		description->iommu = *record;
		break;
	case CAPTURE_STREAM:
		if (description->stream_count < SHOW_FUNCTIONS)
			description->streams[description->stream_count++] = (struct stream){ .present = true, .sid = record->stream.sid };
		break;
	case CAPTURE_UNPLUG:
		stream = find(description, record->unplug.sid);
		if (stream)
			stream->present = false;
		break;
	case CAPTURE_WRITE:
		add_store(description, unit_type_of(guest), record->write.offset);
		break;
	case CAPTURE_REQUEST:
		description->requests[record->request.type]++;
		description->refused += record->request.has_status && record->request.status;
		break;
	case CAPTURE_KICK:
		stream = find(description, record->kick.sid);
		if (stream)
			stream->kicks++;
		else
			description->strangers++;
		break;
	case CAPTURE_ORACLE:
		stream = find(description, record->oracle.sid);
		if (stream)
			add_oracle(stream, &record->oracle);
		else
			description->strangers++;
		break;
	default:
		break;
	}
}

static void print_stream(const struct stream *stream)
{
	cli_line("stream", CLI_PLAIN, "0x%" PRIx32 "%s, %s", stream->sid, stream->present ? "" : ", unplugged again",
		 cli_count_of(stream->kicks, "kick", "kicks"));
	if (stream->oracles)
		cli_line("", CLI_PLAIN, "%s of the oracle within IOVA 0x%" PRIx64 "..0x%" PRIx64, cli_count_of(stream->oracles, "answer", "answers"),
			 stream->first, stream->last);
}

static void print_requests(const struct streams *description)
{
	char text[160] = "";
	size_t used = 0;

	for (unsigned int type = CAPTURE_ATTACH; type <= CAPTURE_UNMAP && used < sizeof(text); type++) {
		if (description->requests[type])
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", used ? ", " : "", cli_count(description->requests[type]),
						 capture_request_name((enum capture_request_type)type));
	}
	if (*text)
		cli_line("requests", CLI_PLAIN, "%s; %s refused", text, cli_count(description->refused));
}

static void print(const void *own)
{
	const struct streams *description = own;
	const struct capture_smmu *smmu = &description->iommu.smmu;
	char text[400] = "";
	size_t used = 0;

	if (description->iommu.kind == CAPTURE_IOMMU && description->iommu.iommu.address_bits)
		cli_line("iommu", CLI_PLAIN, "IOVAs of %" PRIu32 " bits", description->iommu.iommu.address_bits);
	if (description->iommu.kind == CAPTURE_SMMU)
		cli_line("smmu", CLI_PLAIN, "StreamIDs of %" PRIu32 " bits, addresses of %" PRIu32 " bits; after a reset devices reach %s",
			 smmu->sid_bits ? smmu->sid_bits : CAPTURE_SMMU_SID_BITS, smmu->output_bits ? smmu->output_bits : CAPTURE_SMMU_OUTPUT_BITS,
			 smmu->abort ? "nothing" : "all of memory");
	for (unsigned int i = 0; i < description->stream_count; i++)
		print_stream(&description->streams[i]);
	if (description->strangers)
		cli_line("others", CLI_PLAIN, "%s of streams that there are not", cli_count_of(description->strangers, "record", "records"));
	for (unsigned int i = 0; i < SHOW_REGISTERS && description->registers[i].name && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", used ? ", " : "", cli_count(description->registers[i].count),
					 description->registers[i].name);
	if (description->unknown && used < sizeof(text))
		snprintf(text + used, sizeof(text) - used, "%s%s others", used ? ", " : "", cli_count(description->unknown));
	if (*text)
		cli_line("registers", CLI_PLAIN, "%s", text);
	print_requests(description);
}

const struct show_iommu show_streams = { .bytes = sizeof(struct streams), .add = add, .print = print };
