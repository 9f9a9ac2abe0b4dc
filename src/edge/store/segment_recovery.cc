#include "edge/store/segment_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/encoding.h"

namespace godwit::store {
namespace {

// A run may have given out places in so many segments more than it had written heads of.
constexpr std::uint32_t kNumberMargin = 1024;

struct Scanned {
  SegmentRef segment;
  SegmentScan scan;
};

class Recovery {
 public:
  explicit Recovery(SegmentFiles& files) : files_(files) {}
  Result<Recovered> run();

 private:
  Result<void> scan(SegmentFiles::Found& found);
  void trust(const SegmentFiles::Found& found);
  Result<void> judge(Scanned& one);
  void judge_lists(Scanned& one, std::string_view file);
  bool chunks_intact(const IndexEntry& list, std::string_view file) const;
  Result<void> seal(Scanned& one);
  Result<std::string> contents(Segment& segment);
  void report(const Segment& segment, std::uint32_t offset, BlobId blob, std::uint64_t owner, std::string what);
  bool acknowledged(const Segment& segment, std::uint32_t offset) const { return Location{segment.head.number, offset} < mark_; }

  SegmentFiles& files_;
  Recovered out_;
  std::vector<Scanned> scanned_;    // by number
  std::set<Location> chunks_;       // intact ones of the scanned segments
  std::set<std::uint32_t> judged_;  // numbers of the segments that were scanned
  Location mark_;
};

Result<std::string> Recovery::contents(Segment& segment) {
  GODWIT_ASSIGN(const auto file, files_.reading_file(segment));
  std::string bytes(segment.head.bytes, '\0');
  GODWIT_ASSIGN(const std::size_t count, file->read_at(0, bytes));
  bytes.resize(count);
  return bytes;
}

void Recovery::report(const Segment& segment, std::uint32_t offset, BlobId blob, std::uint64_t owner, std::string what) {
  const bool kept = acknowledged(segment, offset);
  out_.damage.push_back(
      {blob, owner, fmt::format("{} (segment {}) offset {}", segment.path, segment.head.number, offset), std::move(what), kept});
}

Result<void> Recovery::scan(SegmentFiles::Found& found) {
  GODWIT_ASSIGN(const std::string bytes, contents(*found.segment));
  Scanned one{found.segment, scan_segment(bytes, found.segment->head)};
  mark_ = std::max(mark_, one.scan.highest_mark);
  for (const IndexEntry& entry : one.scan.records) {
    if (entry.type == RecordType::chunk) chunks_.insert({found.segment->head.number, entry.offset});
  }
  judged_.insert(found.segment->head.number);
  ++out_.scanned;
  scanned_.push_back(std::move(one));
  return {};
}

void Recovery::trust(const SegmentFiles::Found& found) {
  Segment& segment = *found.segment;
  segment.end = found.seal->end;
  segment.footer = found.seal->footer;
  segment.live = static_cast<std::int64_t>(found.seal->end) - kFirstRecord;
  segment.sealed = true;
  for (const Span& span : found.seal->spans) files_.add_span(span.body, {segment.head.number, span.list});
}

bool Recovery::chunks_intact(const IndexEntry& list, std::string_view file) const {
  const auto chunks = parse_list(file.substr(list.offset + kRecordHeaderBytes, list.length));
  if (!chunks) return false;
  // Other segments are either sealed and synced, or gone: then nobody needed the body any more.
  return std::all_of(chunks->chunks.begin(), chunks->chunks.end(),
                     [&](const ChunkRef& ref) { return chunks_.contains(ref.at) || !judged_.contains(ref.at.segment); });
}

// A long body is only as whole as its chunks, and a chunk does not know its blob: the list tells.
void Recovery::judge_lists(Scanned& one, std::string_view file) {
  std::erase_if(one.scan.records, [&](const IndexEntry& entry) {
    if (entry.type != RecordType::list || chunks_intact(entry, file)) return false;
    const bool kept = acknowledged(*one.segment, entry.offset);
    report(*one.segment, entry.offset, entry.blob, entry.owner, "a piece of a long body does not verify");
    if (!kept) one.segment->lost.emplace_back(entry.offset, entry.offset + record_bytes(entry.length));
    return !kept;
  });
}

// Below the mark what does not verify was promised to somebody: it stays in the index, so that it is reported again by
// verify(). Beyond it nobody was told anything: it is cut off.
Result<void> Recovery::judge(Scanned& one) {
  for (const SegmentScan::Damage& hole : one.scan.damage) {
    if (!acknowledged(*one.segment, hole.offset)) one.segment->lost.emplace_back(hole.offset, hole.offset + hole.length);
    if (!hole.header) {
      report(*one.segment, hole.offset, {}, 0, fmt::format("{} bytes hold no record", hole.length));
      continue;
    }
    const RecordHeader& header = *hole.header;
    const bool named = header.type == RecordType::whole || header.type == RecordType::list;
    report(*one.segment, hole.offset, named ? header.blob : BlobId{}, header.owner, "the check sum does not match");
    if (acknowledged(*one.segment, hole.offset) && header.type != RecordType::mark) one.scan.records.push_back(index_entry(header));
  }
  const Location behind{one.segment->head.number, one.scan.end};
  if (mark_.segment == behind.segment && behind < mark_) {
    report(*one.segment, one.scan.end, {}, 0, fmt::format("{} bytes that were synced hold no record", mark_.offset - behind.offset));
  }
  std::sort(one.scan.records.begin(), one.scan.records.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  const auto has_list = [](const IndexEntry& entry) { return entry.type == RecordType::list; };
  if (!std::any_of(one.scan.records.begin(), one.scan.records.end(), has_list)) return {};
  GODWIT_ASSIGN(const std::string bytes, contents(*one.segment));
  judge_lists(one, bytes);
  return {};
}

// Writes footer and seal behind the last record, synced before the writer's first mark vouches for this segment.
Result<void> Recovery::seal(Scanned& one) {
  Segment& segment = *one.segment;
  const std::string index = encode_index(one.scan.records);
  Seal seal;
  seal.end = one.scan.end;
  for (const IndexEntry& entry : one.scan.records) {
    if (entry.type != RecordType::list || entry.body.segment == segment.head.number) continue;
    seal.spans.push_back({entry.body, entry.offset});
    files_.add_span(entry.body, {segment.head.number, entry.offset});
  }
  GODWIT_ASSIGN(const auto file, files_.writing_file(segment));
  if (seal.end + record_bytes(index.size()) <= segment.head.bytes - kSegmentTail) {
    seal.footer = seal.end;
    RecordHeader header;
    header.type = RecordType::footer;
    header.length = static_cast<std::uint32_t>(index.size());
    header.at = {segment.head.number, seal.end};
    header.payload_crc = crc32c(index);
    std::string encoded;
    append_header(encoded, header, segment.head.salt);
    GODWIT_TRY(file->write_at(seal.end, encoded + index));
  }
  std::string head = encode_head(segment.head);
  head.resize(kFirstRecord, '\0');
  GODWIT_TRY(file->write_at(0, head));
  GODWIT_TRY(file->write_at(segment.head.bytes - kSegmentTail, encode_tail(segment.head, seal)));
  GODWIT_TRY(file->sync_data());
  trust({one.segment, seal});
  return {};
}

Result<Recovered> Recovery::run() {
  GODWIT_ASSIGN(SegmentFiles::Listing listing, files_.open());
  out_.damage = std::move(listing.damage);
  std::uint32_t highest = 0;
  for (auto found = listing.segments.rbegin(); found != listing.segments.rend(); ++found) {
    highest = std::max(highest, found->segment->head.number);
    const bool known = found->seal && found->seal->spans_complete;
    if (known && found->segment->head.number < mark_.segment) {
      trust(*found);
    } else {
      GODWIT_TRY(scan(*found));
    }
  }
  std::reverse(scanned_.begin(), scanned_.end());
  for (Scanned& one : scanned_) GODWIT_TRY(judge(one));
  for (Scanned& one : scanned_) {
    if (!one.scan.records.empty()) GODWIT_TRY(seal(one));
  }
  for (const SegmentFiles::Found& found : listing.segments) {
    files_.add(found.segment);
    if (!found.segment->sealed && !files_.retire(*found.segment)) check_failed("a segment is read during recovery", __FILE__, __LINE__);
  }
  const std::uint64_t ahead = files_.settings().queue_bytes / files_.settings().segment_bytes;
  out_.mark = mark_;
  out_.first_number = highest == 0 ? 1 : highest + static_cast<std::uint32_t>(std::max<std::uint64_t>(kNumberMargin, 2 * ahead));
  return out_;
}

}  // namespace

Result<Recovered> recover_segments(SegmentFiles& files) { return Recovery(files).run(); }

}  // namespace godwit::store
