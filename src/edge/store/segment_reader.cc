#include "edge/store/segment_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace godwit::store {
namespace {

constexpr std::size_t kFirstGuess = 16 * 1024;  // read at once when the length is not known yet
constexpr std::size_t kPiecesBytes = 8u << 20;
constexpr std::size_t kMovedRowBytes = 9;  // on disk: do not change (docs/formats/segments.md)
constexpr char kMovedRowFormat = 1;

BlobId piece_key(Location where) { return {0, where.segment, where.offset}; }
Error not_found(BlobId id) { return Error::permanent(Error::Cause::not_found, "there is no message body " + id.text()); }

}  // namespace

std::string moved_blob_key(BlobId id) { return '\xff' + id.key(); }

std::string moved_blob_value(Location at) {
  std::string value(1, kMovedRowFormat);
  append_be32(value, at.segment);
  append_be32(value, at.offset);
  return value;
}

SegmentReader::SegmentReader(SegmentFiles& files, SegmentWriter& writer, SegmentRamPool& bodies, Engine& engine, BlockingPool& pool)
    : files_(files), writer_(writer), bodies_(bodies), engine_(engine), pool_(pool), pieces_(kPiecesBytes) {}

Error SegmentReader::damaged(const Segment& segment, std::uint32_t offset) const {
  return Error::permanent(Error::Cause::corrupt,
                          fmt::format("the record at offset {} of segment {} does not verify", offset, segment.head.number));
}

Task<Result<std::string>> SegmentReader::read(BlobId id, std::uint64_t offset, std::size_t length) {
  if (const auto body = bodies_.find(id)) co_return offset >= body->size() ? std::string() : body->substr(offset, length);
  Request request{id, offset, length, false};
  GODWIT_CO_ASSIGN(Answer done, co_await ask(request));
  co_return std::move(done.bytes);
}

Task<Result<std::uint64_t>> SegmentReader::size(BlobId id) {
  if (const auto body = bodies_.find(id)) co_return body->size();
  Request request{id, 0, 0, true};
  GODWIT_CO_ASSIGN(const Answer done, co_await ask(request));
  co_return done.size;
}

Task<Result<std::optional<MovedRow>>> SegmentReader::moved(BlobId id) {
  std::string key = moved_blob_key(id);
  GODWIT_CO_ASSIGN(const std::optional<Row> row, co_await engine_.get(id.partition, Keyspace::blob_refs, std::move(key)));
  if (!row) co_return std::optional<MovedRow>();
  if (row->value.size() != kMovedRowBytes || row->value[0] != kMovedRowFormat) {
    co_return fail(Error::permanent(Error::Cause::corrupt, "the row that says where blob " + id.text() + " lies cannot be read"));
  }
  const std::string_view value = std::string_view(row->value).substr(1);
  co_return MovedRow{{read_be32(value), read_be32(value.substr(4))}, row->version};
}

// First where it was written first; if it cannot be had there, where compaction has put it. It may be moved once more meanwhile.
Task<Result<SegmentReader::Answer>> SegmentReader::ask(Request request) {
  if (!request.id.valid()) co_return fail(not_found(request.id));
  Location where{request.id.segment, request.id.offset};
  Result<Answer> done = co_await ask_at(where, request);
  for (int tries = 0; !done && tries < 4; ++tries) {
    GODWIT_CO_ASSIGN(const std::optional<MovedRow> row, co_await moved(request.id));
    if (!row || row->at == where) break;
    where = row->at;
    done = co_await ask_at(where, request);
  }
  co_return done;
}

Task<Result<SegmentReader::Answer>> SegmentReader::ask_at(Location where, Request request) {
  ReaderPin pin = files_.pin(where.segment);
  if (!pin) co_return fail(not_found(request.id));
  co_await writer_.settled(where);
  Segment& segment = *pin;
  auto work = [this, &segment, where, request] { return answer(segment, where.offset, request); };
  co_return co_await pool_.run(std::move(work));
}

Result<SegmentReader::Answer> SegmentReader::answer(Segment& segment, std::uint32_t offset, const Request& request) {
  GODWIT_ASSIGN(const RecordHeader header, load_header(segment, offset));
  if (header.blob != request.id) return fail(not_found(request.id));
  if (header.type == RecordType::whole && request.size_alone) return Answer{{}, header.length};
  if (header.type == RecordType::whole) {
    const ChunkRef self{header.at, header.length};
    if (request.offset >= header.length) return Answer{{}, header.length};
    GODWIT_ASSIGN(const auto body, chunk(self, request.length < header.length - request.offset));
    return Answer{body->substr(request.offset, request.length), header.length};
  }
  if (header.type != RecordType::list) return fail(not_found(request.id));
  GODWIT_ASSIGN(const LoadedRecord record, load(segment, offset, header.length));
  return answer_list(record.payload(), request);
}

Result<SegmentReader::Answer> SegmentReader::answer_list(std::string_view list, const Request& request) {
  GODWIT_ASSIGN(const ChunkList chunks, parse_list(list));
  Answer out{{}, chunks.total};
  if (request.size_alone || request.offset >= chunks.total) return out;
  std::uint64_t begin = 0;
  const std::uint64_t end = request.offset + std::min<std::uint64_t>(request.length, chunks.total - request.offset);
  for (const ChunkRef& ref : chunks.chunks) {
    const std::uint64_t from = std::max(begin, request.offset);
    const std::uint64_t to = std::min(begin + ref.length, end);
    if (begin >= end) break;
    if (from < to) {
      GODWIT_ASSIGN(const auto body, chunk(ref, to < begin + ref.length));
      out.bytes.append(*body, from - begin, to - from);
    }
    begin += ref.length;
  }
  return out;
}

// The verified payload of a chunk (or of a whole body).
Result<std::shared_ptr<const std::string>> SegmentReader::chunk(const ChunkRef& ref, bool more_to_come) {
  if (auto kept = pieces_.find(piece_key(ref.at))) {
    if (!more_to_come) pieces_.take(piece_key(ref.at));
    return kept;
  }
  const ReaderPin pin = files_.pin(ref.at.segment);
  if (!pin) return fail(Error::permanent(Error::Cause::not_found, fmt::format("segment {} is not there any more", ref.at.segment)));
  GODWIT_TRY(holds(*pin, ref.at.offset));
  GODWIT_ASSIGN(LoadedRecord record, load(*pin, ref.at.offset, ref.length));
  if (record.header.length != ref.length || record.header.type == RecordType::list) return fail(damaged(*pin, ref.at.offset));
  record.bytes.resize(kRecordHeaderBytes + record.header.length);
  record.bytes.erase(0, kRecordHeaderBytes);
  auto body = std::make_shared<const std::string>(std::move(record.bytes));
  if (more_to_come) pieces_.add(piece_key(ref.at), body);
  return body;
}

Result<void> SegmentReader::holds(const Segment& segment, std::uint32_t offset) const {
  const bool beyond = segment.sealed.load(std::memory_order_acquire) && offset >= segment.end.load(std::memory_order_relaxed);
  if (beyond || segment.is_lost(offset)) {
    return fail(
        Error::permanent(Error::Cause::not_found, fmt::format("nothing lies at offset {} of segment {}", offset, segment.head.number)));
  }
  return {};
}

Result<RecordHeader> SegmentReader::load_header(Segment& segment, std::uint32_t offset) {
  GODWIT_TRY(holds(segment, offset));
  GODWIT_ASSIGN(const auto file, files_.reading_file(segment));
  std::string bytes(kRecordHeaderBytes, '\0');
  GODWIT_ASSIGN(const std::size_t count, file->read_at(offset, bytes));
  const auto header = parse_header(std::string_view(bytes).substr(0, count), segment.head, offset);
  if (!header) return fail(damaged(segment, offset));
  return *header;
}

Result<LoadedRecord> SegmentReader::load(Segment& segment, std::uint32_t offset, std::size_t guess) {
  GODWIT_ASSIGN(const auto file, files_.reading_file(segment));
  LoadedRecord record;
  record.bytes.resize(kRecordHeaderBytes + (guess == 0 ? kFirstGuess : guess));
  GODWIT_ASSIGN(std::size_t count, file->read_at(offset, record.bytes));
  const auto header = parse_header(std::string_view(record.bytes).substr(0, count), segment.head, offset);
  if (!header) return fail(damaged(segment, offset));
  record.header = *header;
  const std::size_t whole = kRecordHeaderBytes + header->length;
  if (whole > count) {
    record.bytes.resize(whole);
    const std::span<char> rest = std::span(record.bytes).subspan(count);
    GODWIT_ASSIGN(const std::size_t more, file->read_at(offset + count, rest));
    count += more;
  }
  if (count < whole || !payload_intact(*header, record.payload())) return fail(damaged(segment, offset));
  return record;
}

Result<std::vector<IndexEntry>> SegmentReader::load_index(Segment& segment) {
  if (const std::uint32_t footer = segment.footer.load(std::memory_order_relaxed); footer != 0) {
    const auto record = load(segment, footer);
    if (record && record->header.type == RecordType::footer) return parse_index(record->payload());
  }
  GODWIT_ASSIGN(const auto file, files_.reading_file(segment));
  std::string bytes(segment.head.bytes, '\0');
  GODWIT_ASSIGN(const std::size_t count, file->read_at(0, bytes));
  SegmentScan scan = scan_segment(std::string_view(bytes).substr(0, count), segment.head);
  return std::move(scan.records);
}

}  // namespace godwit::store
