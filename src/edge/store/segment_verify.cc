#include "edge/store/segment_verify.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::store {

SegmentVerifier::SegmentVerifier(SegmentFiles& files, SegmentWriter& writer, SegmentReader& reader, BlockingPool& pool)
    : files_(files), writer_(writer), reader_(reader), pool_(pool) {}

void SegmentVerifier::report(const Segment& segment, const IndexEntry& entry, std::string what) {
  std::string where = fmt::format("{} (segment {}) offset {}", segment.path, segment.head.number, entry.offset);
  const BlobId id = entry.type == RecordType::chunk ? BlobId{} : entry.blob;
  damage_.push_back({id, entry.owner, std::move(where), std::move(what), true});
}

Result<void> SegmentVerifier::verify_records(Segment& segment, const std::vector<IndexEntry>& index) {
  for (const IndexEntry& entry : index) {
    const auto record = reader_.load(segment, entry.offset, entry.length);
    const Location where{segment.head.number, entry.offset};
    if (record && entry.type == RecordType::list) lists_[where] = entry;
    if (record) continue;
    if (record.error().cause != Error::Cause::corrupt) return fail(record.error());
    if (entry.type == RecordType::chunk) bad_chunks_.insert(where);
    report(segment, entry, "the check sum does not match");
  }
  return {};
}

Result<void> SegmentVerifier::verify_footer(Segment& segment) {
  const std::uint32_t footer = segment.footer.load(std::memory_order_relaxed);
  if (footer == 0) return {};
  const auto record = reader_.load(segment, footer);
  if (record) return {};
  if (record.error().cause != Error::Cause::corrupt) return fail(record.error());
  report(segment, IndexEntry{RecordType::chunk, footer, 0, {}, 0, {}}, "the footer does not verify; the segment is read without it");
  return {};
}

Task<Result<void>> SegmentVerifier::verify(std::uint32_t number, std::vector<IndexEntry> index, bool load) {
  const ReaderPin pin = files_.pin(number);
  if (!pin) co_return Result<void>{};
  Segment& segment = *pin;
  auto work = [this, &segment, index = std::move(index), load]() -> Result<void> {
    if (!load) return verify_records(segment, index);
    GODWIT_TRY(verify_footer(segment));
    GODWIT_ASSIGN(const std::vector<IndexEntry> found, reader_.load_index(segment));
    return verify_records(segment, found);
  };
  co_return co_await pool_.run(std::move(work));
}

// A chunk does not know its blob: the lists tell whose long body a bad or missing chunk was.
Result<void> SegmentVerifier::verify_lists() {
  for (const auto& [where, entry] : lists_) {
    const ReaderPin pin = files_.pin(where.segment);
    if (!pin) continue;
    const auto record = reader_.load(*pin, where.offset, entry.length);
    if (!record) continue;
    const auto list = parse_list(record->payload());
    const auto bad = [&](const ChunkRef& ref) { return bad_chunks_.contains(ref.at); };
    if (!list || std::any_of(list->chunks.begin(), list->chunks.end(), bad))
      report(*pin, entry, "a piece of this long body does not verify");
  }
  return {};
}

Task<Result<std::vector<BlobDamage>>> SegmentVerifier::run() {
  SegmentRef active;
  std::vector<IndexEntry> written = writer_.active_index(active);
  co_await writer_.drained();
  const std::uint32_t active_number = active->head.number;
  for (const SegmentRef& segment : files_.all()) {
    const std::uint32_t number = segment->head.number;
    if (number != active_number && segment->sealed.load(std::memory_order_acquire)) GODWIT_CO_TRY(co_await verify(number, {}, true));
  }
  if (!written.empty()) GODWIT_CO_TRY(co_await verify(active_number, std::move(written), false));
  if (!bad_chunks_.empty()) {
    auto work = [this] { return verify_lists(); };
    GODWIT_CO_TRY(co_await pool_.run(std::move(work)));
  }
  co_return std::move(damage_);
}

}  // namespace godwit::store
